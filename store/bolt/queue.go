package bolt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"

	"entente/store"
)

// groupBytes is how many bytes of objects and documents one transaction takes,
// if more than one batch waits.
const groupBytes = 16 << 20

// A job is one call that writes.
type job struct {
	batch   *store.Batch
	slots   []slot // of batch.Objects: made by the caller, so that the committer has less to do
	receipt store.Receipt
	size    int

	alone func() error // instead of batch: a job that makes its own transactions

	err  error
	done chan struct{}
}

// A queue holds the jobs that wait for the committer, in order.
type queue struct {
	mu      sync.Mutex // guards what follows
	more    sync.Cond
	jobs    []*job
	stopped bool
}

func (q *queue) init() { q.more.L = &q.mu }

func (q *queue) add(j *job) {
	j.done = make(chan struct{})
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	q.more.Signal()
}

// withdraw takes j out again; false if the committer has it.
func (q *queue) withdraw(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.jobs {
		if q.jobs[i] == j {
			q.jobs = append(q.jobs[:i], q.jobs[i+1:]...)
			return true
		}
	}
	return false
}

// stop makes take return nothing when the queue is empty.
func (q *queue) stop() {
	if q.more.L == nil {
		return
	}
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.more.Signal()
}

// take waits for a job and returns it with those behind it that can share its
// transaction; nothing when the queue was stopped.
func (q *queue) take(group []*job) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) == 0 {
		if q.stopped {
			return nil
		}
		q.more.Wait()
	}
	n, size := 0, 0
	for n < len(q.jobs) {
		j := q.jobs[n]
		if size += j.size; n > 0 && (size > groupBytes || j.alone != nil || q.jobs[0].alone != nil) {
			break
		}
		n++
	}
	group = append(group, q.jobs[:n]...)
	rest := copy(q.jobs, q.jobs[n:])
	clear(q.jobs[rest:])
	q.jobs = q.jobs[:rest]
	return group
}

// do hands j to the committer and waits. The caller has entered.
func (s *Store) do(ctx context.Context, j *job) error {
	if s.o.ReadOnly {
		return fmt.Errorf("%s was opened for reading only", s.path)
	}
	s.queue.add(j)
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	if s.queue.withdraw(j) {
		return ctx.Err()
	}
	<-j.done // too late: the commit is under way
	return j.err
}

// doAlone runs fn in the committer, between two groups.
func (s *Store) doAlone(ctx context.Context, fn func() error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.do(ctx, &job{alone: fn})
}

func (s *Store) commitLoop() {
	var group []*job
	for {
		if group = s.queue.take(group[:0]); len(group) == 0 {
			return
		}
		if group[0].alone != nil {
			group[0].err = group[0].alone()
		} else {
			s.groups.Add(1)
			s.commitGroup(group)
		}
		for i, j := range group {
			close(j.done)
			group[i] = nil
		}
	}
}

// fail notes that nothing can be written any more, and why. Logs can be read
// still, but Cursor fails too, so that whoever asks whether the store works
// learns that it does not.
func (s *Store) fail(why error) error {
	s.broken.Store(&why)
	return why
}

// failed returns why nothing can be written, nil if all is well.
func (s *Store) failed() error {
	if why := s.broken.Load(); why != nil {
		return *why
	}
	return nil
}

// update makes one write transaction of fn. Committer only. After an error the
// file is as it was before, or the store has failed.
func (s *Store) update(fn func(*bbolt.Tx) error) error {
	if err := s.failed(); err != nil {
		return err
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return full(err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(full(err), tx.Rollback())
	}
	if s.o.beforeCommit != nil {
		s.o.beforeCommit()
	}
	id := tx.ID()
	err = tx.Commit()
	if err == nil {
		return nil
	}
	// bbolt undoes what it can. Where the new meta page was written but could not
	// be made durable, nobody knows which of the two states the disk has.
	if now, verr := s.lastTx(); verr != nil || now >= id {
		return s.fail(fmt.Errorf("commit to %s ended in the middle, restart to go on: %w", s.path, err))
	}
	return full(err)
}

// lastTx returns the number of the last committed transaction.
func (s *Store) lastTx() (id int, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil })
	return id, err
}

// full makes store.ErrFull of the errors that say so.
func full(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []syscall.Errno{syscall.ENOSPC, syscall.EFBIG, syscall.EDQUOT} {
		// bbolt keeps of a failed truncate only the text.
		if errors.Is(err, e) || strings.HasSuffix(err.Error(), e.Error()) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
	}
	return err
}
