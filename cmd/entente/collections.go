package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/taxii"
)

// A rootInfo is an API root as collections lists it.
type rootInfo struct {
	URL         string             `json:"url"`
	Title       string             `json:"title,omitempty"`
	MaxContent  int64              `json:"max_content_length,omitempty"`
	Collections []taxii.Collection `json:"collections,omitempty"`
	Error       string             `json:"error,omitempty"`
}

func collectionsCommand(e *env) *cobra.Command {
	var r remote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "collections URL",
		Short: "List the collections of a TAXII 2.1 server",
		Long: `Collections asks a TAXII 2.1 server what it has for this account. URL is the
server, its discovery URL or an API root. Credentials go to that host only.`,
		Example: `  ENTENTE_PASSWORD=analyst entente collections -u analyst http://127.0.0.1:6100`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := r.list(cmd.Context(), e, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				err = e.printJSON(list)
			} else {
				err = e.printRoots(list)
			}
			for _, root := range list {
				if root.Error == "" {
					return err
				}
			}
			return fmt.Errorf("none of the API roots could be listed: %s", list[0].Error)
		},
	}
	remoteFlags(cmd, &r)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (r *remote) list(ctx context.Context, e *env, url string) ([]rootInfo, error) {
	c, place, err := r.dial(e, url)
	if err != nil {
		return nil, err
	}
	urls, err := roots(ctx, c, place)
	if err != nil {
		return nil, err
	}
	var list []rootInfo
	for _, u := range urls {
		info := rootInfo{URL: u}
		root, err := c.Root(u)
		if err == nil {
			var about taxii.APIRoot
			about, err = root.Info(ctx)
			info.Title, info.MaxContent = about.Title, about.MaxContentLength
		}
		if err == nil {
			info.Collections, err = root.Collections(ctx)
		}
		if err != nil {
			info.Error = err.Error()
		}
		list = append(list, info)
	}
	return list, nil
}

func (e *env) printRoots(list []rootInfo) error {
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	for _, root := range list {
		if root.Error != "" {
			fmt.Fprintf(w, "%s\t%s\n", root.URL, root.Error)
			continue
		}
		fmt.Fprintf(w, "%s\t%q\n", root.URL, root.Title)
		for _, c := range root.Collections {
			rights := [2]string{"-", "-"}
			if c.CanRead {
				rights[0] = "r"
			}
			if c.CanWrite {
				rights[1] = "w"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%q\n", c.ID, rights[0]+rights[1], c.Alias, c.Title)
		}
	}
	return w.Flush()
}
