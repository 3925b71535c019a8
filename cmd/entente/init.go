package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
	"entente/taxii/server"
)

//go:embed entente.yaml.tmpl
var configTemplate string

//go:embed accounts.yaml.tmpl
var accountsTemplate string

// A firstServer is what the templates are filled with.
type firstServer struct {
	Host, Port, Operator string
	Origin               string // the host with the port unless it is 443
	Account, Password    string // Password is the hash
	Intel, Sightings     string // collection ids
}

func initCommand(e *env) *cobra.Command {
	var host, account string
	var port, operator uint16
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Make a configuration, keys and a first account",
		Long: `Init fills an empty folder: a commented configuration, a key with a self-signed
certificate, and an account whose password is printed once. Nothing else is
needed to serve; it says which command is next.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s := firstServer{Host: host, Port: fmt.Sprint(port), Operator: fmt.Sprint(operator), Account: account,
				Intel: uuid.NewString(), Sightings: uuid.NewString()}
			s.Origin = net.JoinHostPort(host, s.Port)
			if port == 443 {
				s.Origin = strings.TrimSuffix(s.Origin, ":443")
			}
			return e.initFolder(args[0], s)
		},
	}
	cmd.Flags().StringVar(&host, "host", "localhost", "the `name` or address by which clients reach this machine")
	cmd.Flags().Uint16Var(&port, "port", 6100, "the port for TAXII clients")
	cmd.Flags().Uint16Var(&operator, "operator-port", 6101, "the port for health, metrics and backup, on loopback")
	cmd.Flags().StringVar(&account, "account", "admin", "the `name` of the first account")
	return cmd
}

func (e *env) initFolder(dir string, s firstServer) error {
	if err := onlyEmpty(dir); err != nil {
		return err
	}
	password := config.NewSecret()
	hash, err := server.HashPassword(password, rand.Reader)
	if err != nil {
		return err
	}
	s.Password = hash
	files, err := s.files(e.now())
	if err != nil {
		return err
	}
	// The configuration is looked at before it is written: a wrong --host or
	// --account is refused by the same rules as a line in the file.
	if _, err := config.Parse("entente.yaml", files["entente.yaml"]); err != nil {
		return usagef("--host or --port: %v", err)
	}
	if _, wrong := config.ParseAccounts("accounts.yaml", files["accounts.yaml"], nil); wrong != nil {
		return usagef("--account: %v", wrong)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"key.pem", "cert.pem", "accounts.yaml", "entente.yaml"} {
		mode := fs.FileMode(0o600)
		if name == "cert.pem" || name == "entente.yaml" {
			mode = 0o644
		}
		if err := config.WriteFile(filepath.Join(dir, name), files[name], mode); err != nil {
			return err
		}
	}
	file := filepath.Join(dir, "entente.yaml")
	fmt.Fprintf(e.stdout, `account:  %s
password: %s   (shown once; only a hash is kept)

Start the server, and in another terminal ask it who it is:

  entente serve --config %s
  curl --cacert %s --user %s:%s https://%s/taxii2/
`, s.Account, password, shellQuote(file), shellQuote(filepath.Join(dir, "cert.pem")), s.Account, password, s.Origin)
	return nil
}

// files are what init writes, by name.
func (s firstServer) files(now time.Time) (map[string][]byte, error) {
	key, cert, err := wire.SelfSigned(s.Host, now)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"key.pem": key, "cert.pem": cert}
	for name, text := range map[string]string{"entente.yaml": configTemplate, "accounts.yaml": accountsTemplate} {
		var b bytes.Buffer
		if err := template.Must(template.New(name).Parse(text)).Execute(&b, s); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

// onlyEmpty refuses a folder with something in it.
func onlyEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return nof("%s is not empty; init writes into a new or empty folder only", dir)
	}
	return nil
}

// shellQuote makes one word of s for a POSIX shell.
func shellQuote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
