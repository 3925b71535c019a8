package wire

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"entente/cmd/internal/config"
	"entente/cmd/internal/load"
	"entente/policy"
	"entente/store"
	"entente/taxii/server"
)

// serverConfig says in the server's words what stands in the configuration.
func serverConfig(c *config.Config, url string) server.Config {
	l := &c.Limits
	conf := server.Config{
		Title:        c.Discovery.Title,
		Description:  c.Discovery.Description,
		Contact:      c.Discovery.Contact,
		Default:      c.Discovery.Default,
		PublicURL:    url,
		APIKeyHeader: c.APIKeyHeader,
		Origins:      c.Origins,
		Limits: server.Limits{
			DefaultPage:  l.PageDefault,
			MaxPage:      l.PageMax,
			Objects:      l.MaxObjects,
			Depth:        l.MaxDepth,
			Bodies:       int64(l.BodiesMemory),
			PageBytes:    int(l.PageBytes),
			Answers:      int64(l.PagesMemory),
			Requests:     l.Requests,
			ReadTimeout:  l.RequestTime,
			WriteTimeout: l.AnswerTime,
		},
	}
	for _, r := range c.APIRoots {
		root := server.Root{Path: r.Path, Title: r.Title, Description: r.Description, MaxContentLength: int64(cmp.Or(r.MaxContentLength, l.MaxBody))}
		for _, col := range r.Collections {
			root.Collections = append(root.Collections, server.Collection{
				ID: col.ID, Alias: col.Alias, Title: col.Title, Description: col.Description,
			})
		}
		conf.Roots = append(conf.Roots, root)
	}
	return conf
}

// accounts says in the server's words who may do what.
func accounts(c *config.Config, known *config.Accounts) (server.Accounts, error) {
	var list []server.Account
	for _, a := range known.Accounts {
		acc := server.Account{
			Name: a.Name, Password: a.Password, Rights: map[string]server.Rights{}, Roots: []string{},
			Partner: policy.OrgID(a.Partner), Person: a.Person, EscapeNonASCII: a.EscapeNonASCII, EmptyObjectsList: a.EmptyObjectsList, NoDatesOnEmpty: a.NoDatesOnEmpty,
		}
		for _, t := range a.Tokens {
			sum, ok := config.TokenSum(t)
			if !ok {
				return nil, fmt.Errorf("account %s: a token hash that cannot be read", a.Name)
			}
			acc.Tokens = append(acc.Tokens, sum)
		}
		for name, right := range a.Collections {
			root, col, err := c.Find(name)
			if err != nil {
				return nil, fmt.Errorf("account %s: %w", a.Name, err)
			}
			acc.Rights[col.ID] = server.Rights{Read: right.CanRead(), Write: right.CanWrite()}
			acc.Roots = append(acc.Roots, root.Path)
		}
		list = append(list, acc)
	}
	return server.NewAccounts(list)
}

// release lets partners see what they may of all that a collection has.
func (a *App) release(ctx context.Context, log store.LogID) error {
	if a.releaser == nil {
		return nil
	}
	stat, err := a.store.Stat(ctx, log)
	if err != nil {
		return err
	}
	return a.releaser.Release(ctx, log, stat.Head)
}

// seed loads the files that the configuration names into their collections,
// each once.
func (a *App) seed(ctx context.Context) error {
	for _, r := range a.c.APIRoots {
		for _, col := range r.Collections {
			l := load.Loader{Store: a.store, Log: store.LogID(col.ID), Now: a.out.Now, Once: true, MaxRefused: 10}
			for _, file := range col.Seed {
				var sum load.Summary
				if err := l.File(ctx, a.c.Path(file), &sum); err != nil {
					return fmt.Errorf("seed of collection %s: %w", col.Title, err)
				}
				if sum.Unchanged {
					continue
				}
				a.out.Log.Info("seed loaded", slog.String("collection", col.Title), slog.String("file", file),
					slog.Int64("stored", sum.Stored), slog.Int64("known", sum.Known), slog.Int64("refused", sum.Refused))
				for _, why := range sum.Refusals {
					a.out.Log.Warn("object of a seed refused", slog.String("what", why.String()))
				}
			}
			if err := a.release(ctx, store.LogID(col.ID)); err != nil {
				return fmt.Errorf("seed of collection %s: %w", col.Title, err)
			}
		}
	}
	return nil
}
