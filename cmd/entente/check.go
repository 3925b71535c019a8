package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/store/bolt"
)

// A checkResult is what check --json prints.
type checkResult struct {
	OK       bool            `json:"ok"`
	Mistakes config.Mistakes `json:"mistakes,omitempty"`
	Data     []string        `json:"data,omitempty"` // what is wrong with the store
	SRV      string          `json:"srv,omitempty"`
}

func checkCommand(e *env) *cobra.Command {
	var file, srvDomain string
	var data, srv, asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, and the data, without serving",
		Long: `Check reads the configuration and every file it names, and prints each mistake
as file:line:column. It exits with 1 if there is one. With --data it also walks
through the whole store; the server must not be running then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r checkResult
			c, err := config.Load(file)
			if err != nil {
				m, ok := err.(config.Mistakes)
				if !ok {
					return err
				}
				r.Mistakes = m
			}
			if err == nil && srv {
				if r.SRV, err = srvRecord(c, srvDomain); err != nil {
					return err
				}
			}
			if err == nil && data {
				if r.Data, err = checkData(cmd.Context(), c); err != nil {
					return err
				}
			}
			r.OK = len(r.Mistakes) == 0 && len(r.Data) == 0
			return e.reportCheck(r, asJSON)
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().BoolVar(&data, "data", false, "walk through the store, too")
	cmd.Flags().BoolVar(&srv, "srv", false, "print the DNS record by which clients find this server (TAXII 2.1, section 3.9)")
	cmd.Flags().StringVar(&srvDomain, "domain", "", "the `domain` of --srv; default: that of public_url without its first label")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (e *env) reportCheck(r checkResult, asJSON bool) error {
	switch {
	case asJSON:
		if err := e.printJSON(r); err != nil {
			return err
		}
	case r.OK && r.SRV != "":
		fmt.Fprintln(e.stdout, r.SRV)
	case r.OK:
		fmt.Fprintln(e.stdout, "ok")
	default:
		list := errList(r.Data)
		for _, m := range r.Mistakes {
			list = append(list, m.Error())
		}
		return list
	}
	if r.OK {
		return nil
	}
	return errNo{}
}

// srvRecord is the DNS line for a server (TAXII 2.1, section 3.9; RFC 2782).
func srvRecord(c *config.Config, domain string) (string, error) {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return "", err
	}
	host, port := u.Hostname(), u.Port()
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return "", nof("an SRV record names a host in a domain, and public_url has %s", host)
	}
	if u.Scheme != "https" {
		return "", nof("clients that follow an SRV record use https, and public_url is %s", c.PublicURL)
	}
	if port == "" {
		port = "443"
	}
	if domain == "" {
		if _, domain, _ = strings.Cut(host, "."); !strings.Contains(domain, ".") {
			domain = host
		}
	}
	return fmt.Sprintf("_taxii2._tcp.%s. 86400 IN SRV 0 5 %s %s.", strings.TrimSuffix(domain, "."), port, strings.TrimSuffix(host, ".")), nil
}

// checkData walks through the whole store and returns what is wrong with it. No
// data is no fault.
func checkData(ctx context.Context, c *config.Config) (findings []string, err error) {
	file := c.Path(c.Store.Path)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	// The library below trusts what it reads, and a damaged file can be anything.
	defer func() {
		if p := recover(); p != nil {
			findings, err = []string{fmt.Sprintf("%s: damaged: %v", file, p)}, nil
		}
	}()
	st, err := bolt.Open(file, bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, heldBy(err, "check on a copy that entente backup made")
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return st.Check(ctx)
}
