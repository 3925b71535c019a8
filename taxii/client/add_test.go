package client_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"entente/stix"
	"entente/taxii"
	"entente/taxii/client"
)

// outcomes is a short form of results: t, r or ? for each.
func outcomes(rs []client.Result) string {
	var b strings.Builder
	for _, r := range rs {
		b.WriteByte("?tr"[r.Outcome])
	}
	return b.String()
}

func detail(o stix.Object, msg string) taxii.StatusDetail {
	return taxii.StatusDetail{ID: string(o.ID), Version: o.Modified, Message: msg}
}

// adder answers POSTs by status and status polls by polls.
func adder(t *testing.T, post func(n int) (int, string), poll func(n int) (int, string), manifest string) *mock {
	t.Helper()
	posts, polls := 0, 0
	return newMock(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			posts++
			s, b := post(posts)
			answer(w, s, b)
		case strings.Contains(r.URL.Path, "/status/"):
			polls++
			s, b := poll(polls)
			answer(w, s, b)
		case strings.HasSuffix(r.URL.Path, "/manifest/"):
			answer(w, 200, manifest)
		default:
			answer(w, 200, `{"title":"r","versions":["x"],"max_content_length":100000}`)
		}
	})
}

func status(s taxii.Status) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func complete(total, failures int, details ...taxii.StatusDetail) taxii.Status {
	return taxii.Status{ID: "s1", Status: "complete", TotalCount: total, SuccessCount: total - failures, FailureCount: failures, Failures: details}
}

func TestAddOutcomes(t *testing.T) {
	objs := objects(t, 3)
	sco, err := stix.Parse(`{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"}`)
	if err != nil {
		t.Fatal(err)
	}
	objs = append(objs, sco)
	pending := taxii.Status{ID: "s1", Status: "pending", TotalCount: 4, PendingCount: 4}
	all := complete(4, 0)
	never := func(int) (int, string) { return 500, "" }
	for _, tc := range []struct {
		name    string // with the row of the client requirements it is about
		code    int
		first   taxii.Status
		poll    func(n int) (int, string)
		want    string
		message string // of the first object that is not taken
		polls   int
	}{
		{"complete at once", 202, all, never, "tttt", "", 0},
		{"C-5-03 200 is fine too", 200, all, never, "tttt", "", 0},
		{"C-4.3-01 C-4.3-02 three times pending", 202, pending, func(n int) (int, string) {
			if n < 3 {
				return 200, status(pending)
			}
			return 200, status(all)
		}, "tttt", "", 3},
		{"a failure", 202, complete(4, 1, detail(objs[1], "no good")), never, "trtt", "no good", 0},
		{"version with other digits", 202, complete(4, 1, taxii.StatusDetail{ID: string(objs[2].ID), Version: "2024-01-01T00:00:00Z"}), never, "ttrt", "refused without a reason", 0},
		{"a version of the server's own", 202, complete(4, 1, taxii.StatusDetail{ID: string(sco.ID), Version: at(1), Message: "m"}), never, "tttr", "m", 0},
		{"failures counted but not named", 202, complete(4, 2), never, "????", "does not say which", 0},
		{"all failed, none named", 202, complete(4, 4), never, "rrrr", "refused without", 0},
		{"a placeholder for an id", 202, taxii.Status{Status: "complete", TotalCount: 4, SuccessCount: 3, FailureCount: 1,
			Successes: []taxii.StatusDetail{detail(objs[0], ""), detail(objs[2], ""), detail(sco, "")},
			Failures:  []taxii.StatusDetail{{ID: "invalid--1", Message: "no id"}}}, never, "trtt", "no id", 0},
		{"C-4.3-03 the status is gone", 202, pending, func(int) (int, string) { return 404, "" }, "t???", "still", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := adder(t, func(int) (int, string) { return tc.code, status(tc.first) }, tc.poll,
				`{"objects":[{"id":"`+string(objs[0].ID)+`","date_added":"`+at(1)+`","version":"2024-01-01T00:00:00Z"}]}`)
			if strings.Contains(tc.name, "counted") {
				m = adder(t, func(int) (int, string) { return tc.code, status(tc.first) }, tc.poll, `{}`)
			}
			got, err := m.collection(t).Add(t.Context(), objs)
			if err != nil {
				t.Fatal(err)
			}
			if outcomes(got) != tc.want {
				t.Errorf("outcomes %s, want %s: %+v", outcomes(got), tc.want, got)
			}
			for i, r := range got {
				if r.Outcome != client.Taken && tc.polls == 0 {
					if !strings.Contains(r.Message, tc.message) {
						t.Errorf("object %d: message %q, want %q in it", i, r.Message, tc.message)
					}
					break
				}
			}
			polls := 0
			for _, r := range m.requests() {
				if strings.Contains(r, "/status/") {
					polls++
				}
			}
			if polls != tc.polls || len(m.slept) != tc.polls {
				t.Errorf("%d status requests, slept %v; want %d", polls, m.slept, tc.polls)
			}
		})
	}
}

// Two versions of one object in one POST: the refused one is the one named.
func TestAddTellsVersionsApart(t *testing.T) {
	v1 := objects(t, 1)[0]
	v2, err := stix.Parse(strings.Replace(v1.Raw, `"modified":"2024-01-01T00:00:00.000Z"`, `"modified":"2024-01-01T00:00:00.1Z"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	refused := taxii.StatusDetail{ID: string(v1.ID), Version: "2024-01-01T00:00:00.100Z"}
	m := adder(t, func(int) (int, string) { return 202, status(complete(2, 1, refused)) }, nil, `{}`)
	got, err := m.collection(t).Add(t.Context(), []stix.Object{v1, v2})
	if err != nil || outcomes(got) != "tr" {
		t.Errorf("outcomes %s, %v; want tr", outcomes(got), err)
	}
}

func TestAddForeverPending(t *testing.T) {
	pending := status(taxii.Status{ID: "s1", Status: "pending", TotalCount: 1, PendingCount: 1})
	m := adder(t, func(int) (int, string) { return 202, pending }, func(int) (int, string) { return 200, pending }, `{}`)
	got, err := m.collection(t).Add(t.Context(), objects(t, 1))
	if err != nil || outcomes(got) != "?" || len(m.slept) < 5 || len(m.slept) > 40 {
		t.Errorf("%v, %v, %d polls", got, err, len(m.slept))
	}
}

// C-4.2-01, C-5-02: POSTs stay below the server's limit, in envelopes with
// nothing but objects, and nothing is lost or doubled on the way.
func TestAddSplits(t *testing.T) {
	objs := objects(t, 50)
	big, _ := stix.Parse(strings.Replace(text(99), `"x_n"`, `"x_b":"`+strings.Repeat("a", 3000)+`","x_n"`, 1))
	objs = append(objs[:10:10], append([]stix.Object{big}, objs[10:]...)...)
	var sent []string
	m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			answer(w, 200, `{"title":"r","versions":["x"],"max_content_length":2000}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if len(body) > 2000 || int64(len(body)) != r.ContentLength {
			t.Errorf("POST of %d bytes, Content-Length %d", len(body), r.ContentLength)
		}
		var env map[string][]json.RawMessage
		if err := json.Unmarshal(body, &env); err != nil || len(env) != 1 {
			t.Errorf("POST %.100s: %v", body, err)
		}
		if n := len(env["objects"]); n > 4 {
			t.Errorf("POST of %d objects", n)
		}
		for _, o := range env["objects"] {
			sent = append(sent, string(o))
		}
		answer(w, 202, status(complete(len(env["objects"]), 0)))
	})
	got, err := m.collection(t, func(c *client.Config) { c.Limits.PostCount = 4 }).Add(t.Context(), objs)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("t", 10) + "r" + strings.Repeat("t", 40); outcomes(got) != want {
		t.Errorf("outcomes %s, want %s", outcomes(got), want)
	}
	if len(sent) != 50 {
		t.Fatalf("%d objects sent", len(sent))
	}
	for i, s := range sent {
		if s != text(i) {
			t.Fatalf("object %d sent as %s", i, s)
		}
	}
}

// A server that refuses a whole envelope for one object costs only that object.
func TestAddBisects(t *testing.T) {
	objs := objects(t, 20)
	for _, code := range []int{400, 413, 422} {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			switch {
			case r.Method != http.MethodPost:
				answer(w, 200, `{"title":"r"}`)
			case strings.Contains(string(body), string(objs[13].ID)):
				answer(w, code, `{"title":"bad thing"}`)
			default:
				answer(w, 202, status(complete(strings.Count(string(body), `"id"`), 0)))
			}
		})
		got, err := m.collection(t).Add(t.Context(), objs)
		if want := strings.Repeat("t", 13) + "r" + strings.Repeat("t", 6); err != nil || outcomes(got) != want {
			t.Errorf("%d: outcomes %s, %v", code, outcomes(got), err)
		}
		if got[13].Message != fmt.Sprintf("%d bad thing", code) {
			t.Errorf("%d: message %q", code, got[13].Message)
		}
	}
	m := adder(t, func(int) (int, string) { return 422, "" }, nil, `{}`)
	if _, err := m.collection(t).Add(t.Context(), objects(t, 500)); err == nil || len(m.seen) > 100 {
		t.Errorf("a server that refuses all: %v after %d requests", err, len(m.seen))
	}
}

func TestAddFails(t *testing.T) {
	for name, tc := range map[string]struct {
		code int
		body string
	}{
		"forbidden":         {403, `{"title":"no"}`},
		"no status":         {202, `<html>`},
		"no known status":   {202, `{"id":"s","status":"success"}`},
		"redirect as GET":   {302, ``},
		"unsupported media": {415, ``},
	} {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.Header().Set("Location", "/elsewhere/")
				answer(w, tc.code, tc.body)
				return
			}
			answer(w, 200, `{"title":"r"}`)
		})
		got, err := m.collection(t).Add(t.Context(), objects(t, 2))
		if err == nil || outcomes(got) != "??" {
			t.Errorf("%s: %v, %v", name, outcomes(got), err)
		}
	}
}
