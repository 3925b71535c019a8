// Package taxiitest tests a TAXII 2.1 server from outside, over HTTP.
//
// The cases are data: each has the id of the rule it holds a server to, and
// returns an error that says what is wrong. A run makes objects with random
// ids of its own and deletes them again if it may, so it can be repeated on a
// server that is in use. The report also names the rules that were not
// covered, and why.
package taxiitest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Level is how strong a rule is.
type Level string

// Levels. REC rules are not in the standard: they are what clients in the
// field need, or a choice where the standard is silent.
const (
	MUST   Level = "MUST"
	SHOULD Level = "SHOULD"
	MAY    Level = "MAY" // checked where the standard leaves only a few answers
	REC    Level = "REC"
)

// A Case holds a server to one rule.
type Case struct {
	ID      string
	Also    []string // further ids that the case covers
	Title   string
	Level   Level
	Section string // of TAXII 2.1 unless it says otherwise; "" for REC rules without one
	Run     func(ctx context.Context, e *Env) error
}

// A Role is a caller with certain rights on the collection under test.
type Role string

// Roles. Anon and Bad need no credentials of the Config.
const (
	RW   Role = "rw"   // reads and writes
	RO   Role = "ro"   // reads only
	WO   Role = "wo"   // writes only
	NN   Role = "nn"   // sees the collection, has no right to it
	Out  Role = "out"  // may log in, does not see the collection
	Anon Role = "anon" // no credentials
	Bad  Role = "bad"  // RW with a wrong password
)

// A Login is a name and password for HTTP Basic, or a Bearer token.
type Login struct{ User, Password, Bearer string }

// Config says what to test. URL and the Login of RW are required.
type Config struct {
	URL        string // of the server, or of an API root or collection to test; else the first that RW may read and write
	Collection string // id; "" takes it from URL or looks for one
	Logins     map[Role]Login
	Transport  http.RoundTripper // nil: http.DefaultTransport's settings, without following redirects
	Now        func() time.Time
	Sleep      func(context.Context, time.Duration) error
	Rand       io.Reader    // random ids
	Only       []string     // ids, or prefixes of ids; nil: all
	Progress   func(Result) // called after each case; may be nil
}

// A Verdict is how a case ended.
type Verdict string

// Verdicts.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	Skip Verdict = "skip"
)

// A Result is about one case.
type Result struct {
	ID      string   `json:"id"`
	Also    []string `json:"also,omitempty"`
	Title   string   `json:"title"`
	Level   Level    `json:"level"`
	Section string   `json:"section,omitempty"`
	Verdict Verdict  `json:"verdict"`
	Why     string   `json:"why,omitempty"` // of a failure or skip
}

// A Gap is a rule that no case ran for.
type Gap struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

// A Report is the outcome of a run.
type Report struct {
	URL        string   `json:"url"` // of the collection tested
	Passed     int      `json:"passed"`
	Failed     int      `json:"failed"`
	Skipped    int      `json:"skipped"`
	Results    []Result `json:"results"`
	NotCovered []Gap    `json:"not_covered"`
}

// OK reports whether no case failed; unless strict, REC rules do not count.
func (r *Report) OK(strict bool) bool {
	for _, x := range r.Results {
		if x.Verdict == Fail && (strict || x.Level != REC) {
			return false
		}
	}
	return true
}

// skipped is the error of a case that cannot run here.
type skipped struct{ why string }

func (s skipped) Error() string { return s.why }

func skip(format string, args ...any) error { return skipped{fmt.Sprintf(format, args...)} }

// Cases returns all cases, in the order in which they run.
func Cases() []Case {
	return slices.Concat(httpCases, acceptCases, contentTypeCases, discoveryCases, collectionCases, sortCases,
		filterCases, versionCases, pageCases, objectCases, postCases, statusCases, stixCases, deleteCases,
		rightsCases, securityCases, auditCases)
}

// caseTime is how long one case may take.
const caseTime = 2 * time.Minute

// Run runs the cases against the server of c. The error is about getting
// started: a server that fails cases is no error. A case that panics fails.
func Run(ctx context.Context, c Config) (*Report, error) {
	e, err := newEnv(ctx, &c)
	if err != nil {
		return nil, err
	}
	report := &Report{URL: e.at("")}
	covered := make(map[string]string)
	for _, tc := range Cases() {
		if !selected(c.Only, &tc) {
			continue
		}
		r := runCase(ctx, e, &tc)
		report.add(r)
		for _, id := range append([]string{tc.ID}, tc.Also...) {
			if r.Verdict != Skip {
				covered[id] = ""
			} else if _, ran := covered[id]; !ran {
				covered[id] = "skipped: " + r.Why
			}
		}
		if c.Progress != nil {
			c.Progress(r)
		}
		if ctx.Err() != nil {
			break
		}
	}
	e.cleanUp(context.WithoutCancel(ctx))
	report.NotCovered = gaps(covered)
	return report, ctx.Err()
}

func (r *Report) add(x Result) {
	r.Results = append(r.Results, x)
	switch x.Verdict {
	case Pass:
		r.Passed++
	case Fail:
		r.Failed++
	case Skip:
		r.Skipped++
	}
}

func selected(only []string, tc *Case) bool {
	if len(only) == 0 {
		return true
	}
	for _, id := range append([]string{tc.ID}, tc.Also...) {
		for _, o := range only {
			if id == o || strings.HasPrefix(id, o) {
				return true
			}
		}
	}
	return false
}

func runCase(ctx context.Context, e *Env, tc *Case) (r Result) {
	ctx, cancel := context.WithTimeout(ctx, caseTime)
	defer cancel()
	r = Result{ID: tc.ID, Also: tc.Also, Title: tc.Title, Level: tc.Level, Section: tc.Section, Verdict: Pass}
	defer func() {
		if p := recover(); p != nil {
			r.Verdict, r.Why = Fail, fmt.Sprintf("the case broke on the answer: %v", p)
		}
	}()
	err := tc.Run(ctx, e)
	var s skipped
	switch {
	case errors.As(err, &s):
		r.Verdict, r.Why = Skip, s.why
	case err != nil:
		r.Verdict, r.Why = Fail, err.Error()
	}
	return r
}

// gaps lists the rules that no case was run for.
func gaps(covered map[string]string) []Gap {
	var list []Gap
	for _, id := range Rows() {
		why, ok := covered[id]
		if ok && why == "" {
			continue
		}
		if why == "" {
			why = notBlackBox[id]
		}
		if why == "" {
			why = "not selected"
		}
		list = append(list, Gap{id, why})
	}
	return list
}

// faults gathers what is wrong in one case.
type faults []string

func (f *faults) addf(format string, args ...any) {
	if len(*f) < 12 {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// add notes err, if any; a skip stays a skip only if nothing else is wrong.
func (f *faults) add(what string, err error) {
	if err != nil {
		f.addf("%s: %v", what, err)
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return errors.New(strings.Join(*f, "; "))
}
