package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"entente/cmd/internal/load"
	"entente/stix"
	"entente/taxii"
	"entente/taxii/client"
)

// How much a push sends before it reports progress; the client splits it
// further if the server wants smaller requests.
const (
	pushObjects = 1000
	pushBytes   = 8 << 20
)

// A pushSummary is what became of the objects of a push.
type pushSummary struct {
	Collection string    `json:"collection"`
	Taken      int       `json:"taken"`
	Refused    int       `json:"refused"`
	Unknown    int       `json:"unknown"` // the server never said
	Refusals   []refusal `json:"refusals,omitempty"`
}

// A refusal is one object that did not get through.
type refusal struct {
	File    string  `json:"file"`
	Object  int     `json:"object"` // in the file, from 0
	ID      stix.ID `json:"id,omitempty"`
	Version string  `json:"version,omitempty"`
	Outcome string  `json:"outcome"` // refused or unknown
	Message string  `json:"message"`
}

func (x refusal) String() string {
	return fmt.Sprintf("%s: object %d (%s): %s: %s", x.File, x.Object, x.ID, x.Outcome, x.Message)
}

func pushCommand(e *env) *cobra.Command {
	var r remote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "push URL FILE...",
		Short: "Send STIX files to a collection of a TAXII 2.1 server",
		Long: `Push reads bundles, envelopes, lists and NDJSON, plain, gzip or zstd (- is
standard input), sends the objects as they are, waits until the server has dealt
with them, and lists those it did not take. Sending an object again does no
harm, so a push that failed is simply repeated.

The exit code is 1 if any object was not taken.`,
		Example: `  ENTENTE_PASSWORD=analyst entente push -u analyst http://127.0.0.1:6100/hub/ --collection intel campaign.json`,
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			for _, f := range args[1:] {
				if _, err := os.Stat(f); f != "-" && err != nil {
					return err // before anything is sent
				}
			}
			coll, info, err := r.open(ctx, e, args[0], func(c taxii.Collection) bool { return c.CanWrite })
			if err != nil {
				return err
			}
			if !info.CanWrite {
				return nof("this account may not write collection %s", info.ID)
			}
			return e.push(ctx, coll, args[1:], asJSON)
		},
	}
	remoteFlags(cmd, &r)
	collectionFlag(cmd, &r)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return cmd
}

// A pusher gathers objects of one file and sends them in batches.
type pusher struct {
	ctx  context.Context
	coll *client.Collection
	sum  *pushSummary
	most int // refusals to keep

	file  string
	objs  []stix.Object
	index []int
	bytes int
}

func (e *env) push(ctx context.Context, coll *client.Collection, files []string, asJSON bool) error {
	sum := pushSummary{Collection: coll.ID()}
	bar := e.newProgress("push", sizeOf(files))
	p := pusher{ctx: ctx, coll: coll, sum: &sum, most: listRefused}
	if asJSON {
		p.most = listRefusedJSON
	}
	var err error
	for _, f := range files {
		if err = p.send(e, f, bar); err != nil {
			err = fmt.Errorf("%s: %w; what was sent before stays sent", f, err)
			break
		}
	}
	bar.end()
	if asJSON {
		err = errors.Join(err, e.printJSON(sum))
	} else {
		for _, x := range sum.Refusals {
			fmt.Fprintln(e.stderr, x)
		}
		if n := sum.Refused + sum.Unknown - len(sum.Refusals); n > 0 {
			fmt.Fprintf(e.stderr, "and %d more\n", n)
		}
		fmt.Fprintf(e.stdout, "taken %d, refused %d, unknown %d\n", sum.Taken, sum.Refused, sum.Unknown)
	}
	if err == nil && sum.Refused+sum.Unknown > 0 {
		return errNo{}
	}
	return err
}

// send sends one file.
func (p *pusher) send(e *env, file string, bar *progress) error {
	var source io.Reader = e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		source = f
	}
	plain, done, err := load.Decompress(io.TeeReader(source, counted{io.Discard, bar}))
	if err != nil {
		return err
	}
	defer done()
	p.file = file
	reader := stix.NewReader(plain)
	for n := 0; ; n++ {
		item, err := reader.Next()
		if err == io.EOF {
			return p.flush()
		}
		if err != nil {
			return errors.Join(p.flush(), err)
		}
		if item.Err != nil {
			p.refuse(n, item.Err.ID, item.Err.Version, client.Refused, "not sent: "+item.Err.Property+" "+item.Err.Reason)
			continue
		}
		p.objs, p.index = append(p.objs, item.Object), append(p.index, n)
		if p.bytes += len(item.Object.Raw); len(p.objs) == pushObjects || p.bytes > pushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
}

func (p *pusher) flush() error {
	if len(p.objs) == 0 {
		return nil
	}
	results, err := p.coll.Add(p.ctx, p.objs)
	for i, res := range results {
		if res.Outcome == client.Taken {
			p.sum.Taken++
			continue
		}
		o := &p.objs[i]
		p.refuse(p.index[i], o.ID, o.VersionText(), res.Outcome, res.Message)
	}
	p.objs, p.index, p.bytes = p.objs[:0], p.index[:0], 0
	return err
}

func (p *pusher) refuse(n int, id stix.ID, version string, outcome client.Outcome, message string) {
	if outcome == client.Refused {
		p.sum.Refused++
	} else {
		p.sum.Unknown++
	}
	if len(p.sum.Refusals) < p.most {
		p.sum.Refusals = append(p.sum.Refusals, refusal{p.file, n, id, version, outcome.String(), message})
	}
}
