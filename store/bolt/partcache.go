package bolt

import (
	"bytes"
	"slices"
	"sync"

	"entente/store"
)

// A partCache keeps compressed parts, the ones used last.
type partCache struct {
	mu    sync.Mutex // guards what follows
	room  int        // bytes left
	parts map[string]*cached
	order []*cached // a ring for the clock hand
	hand  int
}

type cached struct {
	key  string
	part store.Part
	used bool
}

func newPartCache(room int) *partCache { return &partCache{room: room, parts: map[string]*cached{}} }

// cost is what an entry takes, its overhead included.
func (c *cached) cost() int { return len(c.part.Deflate) + len(c.key) + 200 }

func (c *partCache) get(key string) (store.Part, bool) {
	if key == "" {
		return store.Part{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.parts[key]
	if e == nil {
		return store.Part{}, false
	}
	e.used = true
	return e.part, true
}

func (c *partCache) put(key string, part store.Part) {
	if key == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts[key] != nil {
		return
	}
	// The page's caller may write over the part's bytes: keep our own.
	part.Deflate = bytes.Clone(part.Deflate)
	e := &cached{key: key, part: part}
	for c.room < e.cost() {
		if len(c.order) == 0 {
			return
		}
		c.evict()
	}
	c.room -= e.cost()
	c.parts[key] = e
	c.order = append(c.order, e)
}

// evict drops the next entry that was not used since the hand came by.
func (c *partCache) evict() {
	for {
		c.hand %= len(c.order)
		e := c.order[c.hand]
		if !e.used {
			c.room += e.cost()
			delete(c.parts, e.key)
			c.order = slices.Delete(c.order, c.hand, c.hand+1)
			return
		}
		e.used = false
		c.hand++
	}
}
