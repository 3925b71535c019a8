package server

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// A share is what one account uses of what all accounts share: never more than
// half, so that no account starves the others.
type share struct {
	bodies   *semaphore.Weighted // of bodyShare
	answers  atomic.Int64        // bytes: see hold
	requests atomic.Int64
}

// shareOf returns the share of the account of that name, also when it was read
// from the accounts file again.
func (s *Server) shareOf(account *Account) *share {
	if v, ok := s.shares.Load(account.Name); ok {
		return v.(*share)
	}
	v, _ := s.shares.LoadOrStore(account.Name, &share{bodies: semaphore.NewWeighted(s.bodyShare())})
	return v.(*share)
}

// bodyShare is the most bytes of Limits.Bodies that one account gets: half, but
// at least one body.
func (s *Server) bodyShare() int64 {
	most := s.c.Limits.Bodies / 2
	for i := range s.c.Roots {
		most = max(most, s.c.Roots[i].MaxContentLength)
	}
	return most
}

// enter counts a request of an account until end.
func (s *Server) enter(r *request) error {
	r.share = s.shareOf(r.account)
	if r.share.requests.Add(1) > max(1, int64(s.c.Limits.Requests)/2) {
		return busy("too many requests of this account at this moment", time.Second)
	}
	return nil
}

// hold counts n bytes of an answer until the request ends, because a client may
// take its time to read it.
func (s *Server) hold(r *request, n int64) error {
	r.held += n
	mine := r.share.answers.Add(n)
	if s.answers.Add(n) > s.c.Limits.Answers || mine > s.c.Limits.Answers/2 && mine > r.held {
		return busy("too many pages are being read at this moment", time.Second)
	}
	return nil
}

// letGo gives back n of the bytes that hold counted.
func (s *Server) letGo(r *request, n int64) {
	r.held -= n
	r.share.answers.Add(-n)
	s.answers.Add(-n)
}

// leave gives back what the request has of its account's share.
func (s *Server) leave(r *request) {
	s.answers.Add(-r.held)
	if r.share != nil {
		r.share.answers.Add(-r.held)
		r.share.requests.Add(-1)
	}
}
