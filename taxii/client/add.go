package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"entente/stix"
	"entente/taxii"
)

// An Outcome says what became of one object that was sent.
type Outcome uint8

const (
	Unknown Outcome = iota // the server never said; sending it again does no harm
	Taken
	Refused
)

func (o Outcome) String() string { return [...]string{"unknown", "taken", "refused"}[o] }

// A Result is about one object given to Add.
type Result struct {
	Outcome Outcome
	Message string // the server's, or ours if it said nothing
}

// Add sends objs in as few POSTs as the limits of the server and of the Client
// allow, waits until the server has dealt with them, and says what became of
// each: results[i] is about objs[i]. An error means that Add stopped early; the
// results of the objects before that are valid, those after are Unknown.
// Sending an object that is there already does no harm. (TAXII 2.1, section 5.5)
func (c *Collection) Add(ctx context.Context, objs []stix.Object) ([]Result, error) {
	results := make([]Result, len(objs))
	limit, err := c.r.postLimit(ctx)
	if err != nil {
		return results, err
	}
	budget := maxSplits
	start, size := 0, int64(0)
	for i, o := range objs {
		n := int64(len(o.Raw)) + 1
		if size > 0 && (size+n+envelopeSize > limit || i-start == c.r.c.c.Limits.PostCount) {
			if err := c.addPart(ctx, objs[start:i], results[start:i], &budget); err != nil {
				return results, err
			}
			start, size = i, 0
		}
		size += n
		if size+envelopeSize > limit {
			results[i] = Result{Refused, fmt.Sprintf("not sent: %d bytes, and the server takes at most %d in a request", len(o.Raw), limit)}
			start, size = i+1, 0
		}
	}
	return results, c.addPart(ctx, objs[start:], results[start:], &budget)
}

// maxSplits is how many requests that are refused as a whole one Add bears.
const maxSplits = 64

// envelopeSize is what an envelope adds to its objects and commas.
const envelopeSize = int64(len(`{"objects":[]}`))

// postLimit is the most octets that a POST may have.
func (r *Root) postLimit(ctx context.Context) (int64, error) {
	info, err := r.Info(ctx)
	if err != nil {
		return 0, err
	}
	limit := r.c.c.Limits.PostBytes
	if info.MaxContentLength > 0 {
		limit = min(limit, info.MaxContentLength)
	}
	return limit, nil
}

// addPart sends objs in one POST. If the server refuses the request as a whole
// because of what is in it, each half is tried by itself, so that one bad or
// large object costs only itself.
func (c *Collection) addPart(ctx context.Context, objs []stix.Object, results []Result, budget *int) error {
	if len(objs) == 0 {
		return nil
	}
	status, err := c.post(ctx, objs)
	switch code := statusOf(err); {
	case err == nil:
		return c.settle(ctx, objs, results, status)
	case code != http.StatusRequestEntityTooLarge && code != http.StatusUnprocessableEntity && code != http.StatusBadRequest:
		return err
	case *budget == 0:
		return fmt.Errorf("%d requests refused as a whole, the last: %w", maxSplits, err)
	case len(objs) == 1:
		*budget--
		var te *taxii.Error
		errors.As(err, &te)
		results[0] = Result{Refused, strings.TrimPrefix(te.Error(), "taxii: ")}
		return nil
	}
	*budget--
	half := len(objs) / 2
	if err := c.addPart(ctx, objs[:half], results[:half], budget); err != nil {
		return err
	}
	return c.addPart(ctx, objs[half:], results[half:], budget)
}

func (c *Collection) post(ctx context.Context, objs []stix.Object) (taxii.Status, error) {
	var b strings.Builder
	b.WriteString(`{"objects":[`)
	for i, o := range objs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.Raw)
	}
	b.WriteString(`]}`)
	u := c.at("objects")
	resp, err := c.r.c.do(ctx, request{method: http.MethodPost, url: u, body: b.String()})
	if err != nil {
		return taxii.Status{}, err
	}
	var s taxii.Status
	if err := json.Unmarshal([]byte(resp.body), &s); err != nil || s.Status != taxii.StatusComplete && s.Status != taxii.StatusPending {
		return taxii.Status{}, fmt.Errorf("POST %s: answer %d is no status resource (TAXII 2.1, section 4.3.1)", u, resp.status)
	}
	return s, nil
}

// settle waits until s is complete and fills in results. A status that is lost
// or takes too long is replaced by a look at what the server has.
func (c *Collection) settle(ctx context.Context, objs []stix.Object, results []Result, s taxii.Status) error {
	wait, waited := c.r.c.c.Limits.Backoff/2, time.Duration(0)
	for s.Status == taxii.StatusPending && waited < c.r.c.c.Limits.Status {
		d := wait + time.Duration(c.r.c.c.Rand()*float64(wait)/4)
		if err := c.r.c.c.Sleep(ctx, d); err != nil {
			return err
		}
		waited += d
		wait = min(2*wait, 10*time.Second)
		next, err := c.r.Status(ctx, s.ID)
		if statusOf(err) == http.StatusNotFound {
			break
		}
		if err != nil {
			return err
		}
		s = next
	}
	assign(objs, results, &s)
	for i := range results {
		if results[i].Outcome == Unknown {
			return c.readBack(ctx, objs, results)
		}
	}
	return nil
}

// readBack turns Unknown into Taken for the objects that the manifest lists.
// Callers who may not read learn nothing, which is no error.
func (c *Collection) readBack(ctx context.Context, objs []stix.Object, results []Result) error {
	index := make(map[stix.ID][]int)
	var ids []string
	for i := range objs {
		if results[i].Outcome != Unknown {
			continue
		}
		if index[objs[i].ID] == nil {
			ids = append(ids, string(objs[i].ID))
		}
		index[objs[i].ID] = append(index[objs[i].ID], i)
	}
	for len(ids) > 0 {
		n := min(len(ids), MaxIDs)
		for rec, err := range c.Manifest(ctx, Query{IDs: ids[:n], Versions: []string{"all"}, SpecVersions: []string{"2.0", "2.1"}}) {
			if err != nil {
				return ctx.Err()
			}
			for _, i := range index[stix.ID(rec.ID)] {
				if v := objs[i].VersionText(); v == "" || instant(v) == instant(rec.Version) {
					results[i] = Result{Taken, "the status was lost; the server lists the object"}
				}
			}
		}
		ids = ids[n:]
	}
	return nil
}
