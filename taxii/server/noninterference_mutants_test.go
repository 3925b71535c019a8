package server

import (
	"net/http"

	"entente/store"
)

// A mutant is a server with one counter-measure broken. The zero mutant is none.
type mutant struct {
	name     string
	server   func(p *player, st store.Store) store.Store // what the server takes for the store
	releaser func(p *player, st store.Store) store.Store // what the releaser does
	handler  func(p *player, h http.Handler) http.Handler
}

// behind is the store as it looks to a part of the mutant.
func (m *mutant) behind(p *player, look func(*player, store.Store) store.Store) store.Store {
	if look == nil {
		return p.st
	}
	return look(p, p.st)
}
