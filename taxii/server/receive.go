package server

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"entente/policy/release"
	"entente/stix"
	"entente/store"
	"entente/taxii"
)

// receive is store for a partner: what it may write stands in the agreement, and
// what it is told depends on nothing that it must not see.
func (s *Server) receive(c echo.Context, r *request, items []stix.Item, beyond int) (*taxii.Status, error) {
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	r.n = len(items) + beyond
	refusals := map[int]string{}
	d := release.Delivery{Partner: r.account.Partner, Person: r.account.Person, Log: r.coll.log, At: r.start}
	var where []int
	for i := range items {
		if items[i].Err != nil {
			continue
		}
		if why := s.refuse(r, &items[i].Object); why != "" {
			refusals[i] = why
			continue
		}
		d.Objects = append(d.Objects, items[i].Object)
		where = append(where, i)
	}
	var st *taxii.Status
	var receipt store.Receipt
	d.Then = func(verdicts []release.Verdict) ([]store.Document, error) {
		for i, v := range verdicts {
			if v.Refused != "" {
				refusals[where[i]] = v.Refused
				continue
			}
			receipt.Outcomes, receipt.Added = append(receipt.Outcomes, v.Outcome), append(receipt.Added, 0)
		}
		st = newStatus(id, r, items, beyond, refusals, &receipt)
		doc, err := statusDocument(st, r)
		if err != nil {
			return nil, fmt.Errorf("status %s: %w", id, err)
		}
		return []store.Document{doc}, nil
	}
	if err := s.c.Releaser.Receive(c.Request().Context(), &d); err != nil {
		return nil, err
	}
	s.metrics.posted(receipt.Outcomes, r.n-len(receipt.Outcomes))
	return st, nil
}
