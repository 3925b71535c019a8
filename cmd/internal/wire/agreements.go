package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entente/cmd/internal/config"
	"entente/policy"
	"entente/policy/release"
	"entente/store"
)

// kindAgreement is the kind of documents that keep the revisions in force, by
// the agreement's id; the body is the text.
const kindAgreement = "agreement"

// A Revision is a revision of an agreement with its text.
type Revision struct {
	*policy.Agreement
	File string
	Text []byte
	rev  uint64 // of the document that keeps it; 0 if none does
}

// inForce reads the revisions that are kept in the store.
func inForce(ctx context.Context, st store.Store) (map[policy.AgreementID]*Revision, error) {
	docs, err := st.Documents(ctx, kindAgreement)
	if err != nil {
		return nil, err
	}
	kept := map[policy.AgreementID]*Revision{}
	for _, d := range docs {
		a, err := policy.Parse("store:"+d.ID, d.Body)
		if err != nil {
			return nil, fmt.Errorf("agreement %s in the store: %w", d.ID, err)
		}
		kept[a.ID] = &Revision{Agreement: a, File: "store:" + d.ID, Text: d.Body, rev: d.Rev}
	}
	return kept, nil
}

// A File is the text of an agreement and what it is called in messages.
type File struct {
	Name string
	Text []byte
}

// A Proposal is what the folder of agreements has against what is in force.
type Proposal struct {
	Set     *policy.Set // that would be in force
	Fresh   []*Revision // revisions that would come into force
	NotYet  error       // why the fresh ones of a draft cannot come into force as they are; nil: they can
	Refused []error     // about files that change nothing, and why
}

// propose works out what would be in force if the files came into force: of each
// agreement the revision in its file if that is a good one, else what is kept. With
// drafts a revision is as good without signatures and in any place of the chain.
func propose(c *config.Config, kept map[policy.AgreementID]*Revision, files []File, drafts bool) (*Proposal, error) {
	trust, err := c.Trust()
	if err != nil {
		return nil, err
	}
	p := &Proposal{}
	now := map[policy.AgreementID]*Revision{}
	for id, r := range kept {
		now[id] = r
	}
	us := policy.OrgID(c.Organization)
	for _, file := range files {
		fresh, draft, err := candidate(file, kept, trust)
		if p.NotYet = draft; draft != nil && !drafts {
			err = draft
		}
		if err == nil && fresh != nil && now[fresh.ID] != kept[fresh.ID] {
			err = fmt.Errorf("%s: %s has a revision of the same agreement; leave one of them in the folder", file.Name, now[fresh.ID].File)
		}
		if err == nil && fresh != nil {
			err = fit(us, now, fresh)
		}
		switch {
		case err != nil:
			p.Refused = append(p.Refused, err)
		case fresh != nil:
			now[fresh.ID] = fresh
			p.Fresh = append(p.Fresh, fresh)
		}
	}
	p.Set, err = policy.Compile(us, revisions(now))
	return p, err
}

// candidate reads a file. It returns nil if the file has what is in force already.
// draft says why the revision in it could not come into force, if nothing else is
// wrong with it.
func candidate(file File, kept map[policy.AgreementID]*Revision, trust policy.Trust) (fresh *Revision, draft, wrong error) {
	a, err := policy.Parse(file.Name, file.Text)
	if err != nil {
		return nil, nil, err
	}
	fresh = &Revision{Agreement: a, File: file.Name, Text: file.Text}
	var current *policy.Agreement
	if was := kept[a.ID]; was != nil {
		current, fresh.rev = was.Agreement, was.rev
		if string(was.Text) == string(file.Text) {
			return nil, nil, nil
		}
	}
	err = policy.Next(current, a, trust)
	if errors.Is(err, policy.ErrInForce) {
		return nil, nil, nil
	}
	if err == nil {
		err = acknowledged(current, a)
	}
	if err != nil {
		return fresh, fmt.Errorf("%s: %w", file.Name, err), nil
	}
	return fresh, nil, nil
}

// acknowledged refuses a revision that lets out more than the one before without
// saying so: nobody signs that by mistake.
func acknowledged(current, candidate *policy.Agreement) error {
	if current == nil {
		return nil
	}
	names, err := policy.Unacknowledged(current, candidate)
	if err != nil || len(names) == 0 {
		return err
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return fmt.Errorf("revision %d lets out more than the one before; write into it, and sign: acknowledges: [%s]", candidate.Revision, strings.Join(quoted, ", "))
}

// fit checks that fresh can be in force beside the others, and runs its tests.
func fit(us policy.OrgID, now map[policy.AgreementID]*Revision, fresh *Revision) error {
	with := map[policy.AgreementID]*Revision{}
	for id, r := range now {
		with[id] = r
	}
	with[fresh.ID] = fresh
	set, err := policy.Compile(us, revisions(with))
	if err != nil {
		return err
	}
	var failed []error
	for _, t := range set.RunTests(fresh.Agreement) {
		if t.Text != "" {
			failed = append(failed, fmt.Errorf("%s: test %q of the agreement fails: %s", fresh.File, t.Test.Name, t.Text))
		}
	}
	return errors.Join(failed...)
}

func revisions(of map[policy.AgreementID]*Revision) []*policy.Agreement {
	var list []*policy.Agreement
	for _, r := range of {
		list = append(list, r.Agreement)
	}
	slices.SortFunc(list, func(a, b *policy.Agreement) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

// agreementFiles are the files of the folder, by name.
func agreementFiles(c *config.Config) ([]string, error) {
	if c.Agreements == nil {
		return nil, nil
	}
	entries, err := os.ReadDir(c.Path(c.Agreements.Path))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".yaml") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(c.Path(c.Agreements.Path), e.Name()))
		}
	}
	return files, nil
}

// PlaceOf is the file in the folder of agreements that has a revision of the
// agreement, or the one that it would have.
func PlaceOf(c *config.Config, id policy.AgreementID) (string, error) {
	names, err := agreementFiles(c)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if a, err := policy.Parse(name, text); err == nil && a.ID == id {
			return name, nil
		}
	}
	return filepath.Join(c.Path(c.Agreements.Path), string(id)+".yaml"), nil
}

// documents keep revisions, in the commit that puts them in force.
func documents(fresh []*Revision) []store.Document {
	var docs []store.Document
	for _, r := range fresh {
		docs = append(docs, store.Document{Kind: kindAgreement, ID: string(r.ID), Rev: r.rev, Body: r.Text})
	}
	return docs
}

// setInForce is the revisions that are kept in the store, compiled.
func setInForce(ctx context.Context, c *config.Config, st store.Store) (*policy.Set, error) {
	kept, err := inForce(ctx, st)
	if err != nil {
		return nil, err
	}
	return policy.Compile(policy.OrgID(c.Organization), revisions(kept))
}

// OpenReleaser returns the releaser of the configured agreements as they are in
// force in st; nil if no agreements are configured.
func OpenReleaser(ctx context.Context, c *config.Config, st store.Store, out Outside) (*release.Releaser, error) {
	if c.Agreements == nil {
		return nil, nil
	}
	set, err := setInForce(ctx, c, st)
	if err != nil {
		return nil, err
	}
	conf := release.Config{Store: st, Now: out.Now, Rand: out.Rand, Log: out.Log, Places: c.Agreements.Places}
	for _, root := range c.APIRoots {
		for _, col := range root.Collections {
			named := release.Collection{Log: store.LogID(col.ID), Names: []string{col.ID}}
			if col.Alias != "" {
				named.Names = append(named.Names, col.Alias, root.Path+"/"+col.Alias)
			}
			conf.Collections = append(conf.Collections, named)
		}
	}
	return release.New(ctx, conf, set)
}

// Propose says what the agreements in files would change.
func Propose(ctx context.Context, c *config.Config, st store.Store, files []File) (*Proposal, error) {
	return proposal(ctx, c, st, files, false)
}

// ProposeDraft is Propose for one file that need not be signed yet.
func ProposeDraft(ctx context.Context, c *config.Config, st store.Store, file File) (*Proposal, error) {
	p, err := proposal(ctx, c, st, []File{file}, true)
	if err == nil {
		err = errors.Join(p.Refused...)
	}
	return p, err
}

func proposal(ctx context.Context, c *config.Config, st store.Store, files []File, drafts bool) (*Proposal, error) {
	kept, err := inForce(ctx, st)
	if err != nil {
		return nil, err
	}
	return propose(c, kept, files, drafts)
}

// readAgreements puts in force what the folder of agreements has anew. What
// cannot come into force is logged, and what was in force stays so.
func (a *App) readAgreements(ctx context.Context) error {
	names, err := agreementFiles(a.c)
	if err != nil {
		return err
	}
	var files []File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, File{name, text})
	}
	p, err := Propose(ctx, a.c, a.store, files)
	if err != nil {
		return err
	}
	for _, why := range p.Refused {
		a.out.Log.Error("an agreement does not come into force; what was in force stays", slog.String("err", why.Error()))
	}
	if len(p.Fresh) == 0 {
		return nil
	}
	if err := a.releaser.Activate(ctx, p.Set, documents(p.Fresh)); err != nil {
		return fmt.Errorf("agreements: %w", err)
	}
	for _, r := range p.Fresh {
		a.out.Log.Info("agreement in force", slog.String("agreement", string(r.ID)), slog.Any("revision", r.Revision), slog.String("file", r.File))
	}
	return nil
}
