package taxiitest_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"entente/store"
	"entente/store/bolt"
	"entente/store/mem"
	"entente/taxii/server"
	"entente/taxii/taxiitest"
)

const collection = "4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f"

// newServer starts our server on an empty store, with an account for each role
// whose password is its name.
func newServer(t *testing.T, change ...func(*server.Config)) http.Handler {
	t.Helper()
	rights := map[taxiitest.Role]map[string]server.Rights{
		taxiitest.RW: {collection: {Read: true, Write: true}}, taxiitest.RO: {collection: {Read: true}},
		taxiitest.WO: {collection: {Write: true}}, taxiitest.NN: {collection: {}}, taxiitest.Out: nil,
	}
	var list []server.Account
	for role, r := range rights {
		list = append(list, server.Account{Name: string(role), Tokens: [][32]byte{server.HashToken("token-of-" + string(role))}, Rights: r})
	}
	accounts, err := server.NewAccounts(list)
	if err != nil {
		t.Fatal(err)
	}
	c := server.Config{
		Store: mem.New(),
		Roots: []server.Root{{Path: "api1", Title: "One", MaxContentLength: 1 << 20, Collections: []server.Collection{
			{ID: collection, Alias: "indicators", Title: "Indicators"},
		}}},
		Default: "api1", Accounts: accounts, Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&c)
	}
	s, err := server.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

func config(url string) taxiitest.Config {
	logins := map[taxiitest.Role]taxiitest.Login{}
	for _, r := range []taxiitest.Role{taxiitest.RW, taxiitest.RO, taxiitest.WO, taxiitest.NN, taxiitest.Out} {
		logins[r] = taxiitest.Login{Bearer: "token-of-" + string(r)}
	}
	return taxiitest.Config{URL: url, Logins: logins, Now: time.Now, Rand: rand.Reader, Sleep: sleep}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// TestServer holds our own server to every case, on every store.
func TestServer(t *testing.T) {
	t.Run("mem", func(t *testing.T) { testServer(t, mem.New()) })
	t.Run("bolt", func(t *testing.T) {
		st, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		testServer(t, st)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

func testServer(t *testing.T, st store.Store) {
	srv := httptest.NewServer(newServer(t, func(c *server.Config) { c.Store = st }))
	defer srv.Close()
	report, err := taxiitest.Run(t.Context(), config(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		switch r.Verdict {
		case taxiitest.Fail:
			t.Errorf("%s (%s) %s: %s", r.ID, r.Level, r.Title, r.Why)
		case taxiitest.Skip:
			t.Logf("%s skipped: %s", r.ID, r.Why)
		}
	}
	if report.Passed < 150 {
		t.Errorf("only %d cases passed", report.Passed)
	}
	t.Logf("%d passed, %d failed, %d skipped, %d rules not covered", report.Passed, report.Failed, report.Skipped, len(report.NotCovered))
	for _, g := range report.NotCovered {
		if g.Why == "not selected" {
			t.Errorf("rule %s has neither a case nor a reason", g.ID)
		}
	}
}

// TestCases checks the list itself.
func TestCases(t *testing.T) {
	rows := taxiitest.Rows()
	if len(rows) < 260 {
		t.Fatalf("%d rules", len(rows))
	}
	seen := map[string]bool{}
	for _, c := range taxiitest.Cases() {
		if c.ID == "" || c.Title == "" || c.Level == "" || c.Run == nil || seen[c.ID] {
			t.Errorf("case %q %q: incomplete, or there twice", c.ID, c.Title)
		}
		seen[c.ID] = true
		for _, id := range append(c.Also, c.ID) {
			if id[0] == 'T' && !slices.Contains(rows, id) && id != "T-8.2.2-03/old" {
				t.Errorf("case %s is about %s, which is no rule", c.ID, id)
			}
		}
	}
}
