package jobs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/store"
)

const (
	callClaim = 5 * time.Minute // for so long what was taken is nobody else's
	callFresh = 4 * time.Minute // what waited longer is not begun
	callBatch = 256             // taken at once
	callLow   = 64              // that wait, before more are taken
	callMute  = 5               // calls to an owner that were not answered: the rest would not be either
)

// calls makes many calls to machines of strangers. What is due is taken from the
// store batch by batch, so that a crash leaves it to be taken again, and other
// nodes take other batches; what became of the calls is noted together. A slow
// owner holds up only calls of its own.
type calls[T any] struct {
	gate   *gate
	claim  func(ctx context.Context, limit int) ([]T, error)
	owner  func(T) string
	call   func(context.Context, T) error
	judge  func(T, error) store.Outcome
	settle func(context.Context, []called[T]) error
	count  *callCount

	mu   sync.Mutex
	mute map[string]int // calls to an owner in a row that nobody answered
}

type called[T any] struct {
	item    T
	outcome store.Outcome
}

// callCount counts calls that ended, since the process began.
type callCount struct{ ok, failed atomic.Int64 }

func (c *callCount) add(err error) {
	if err == nil {
		c.ok.Add(1)
	} else {
		c.failed.Add(1)
	}
}

// waiting is a call that was taken and not begun.
type waiting[T any] struct {
	item  T
	taken time.Time
}

// run makes calls until nothing is due, and returns how many.
func (c *calls[T]) run(ctx context.Context) (n int, err error) {
	c.mute = map[string]int{}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan called[T], c.gate.most)
	settled := make(chan error, 1)
	go func() {
		err := c.settleAll(context.WithoutCancel(ctx), results, cancel)
		settled <- err
	}()
	var running sync.WaitGroup
	n, err = c.callAll(inner, &running, results)
	running.Wait()
	close(results)
	return n, errors.Join(err, <-settled)
}

// callAll begins what may be begun, as room becomes free.
func (c *calls[T]) callAll(ctx context.Context, running *sync.WaitGroup, results chan<- called[T]) (n int, err error) {
	var queue []waiting[T]
	defer func() {
		for _, w := range queue {
			results <- called[T]{w.item, store.Outcome{Cut: true}}
		}
	}()
	for more := true; more || len(queue) > 0; {
		freed := c.gate.news()
		if more && len(queue) < callLow {
			some, err := c.claim(ctx, callBatch)
			if err != nil {
				return n, err
			}
			more, n = len(some) == callBatch, n+len(some)
			for _, item := range some {
				queue = append(queue, waiting[T]{item, time.Now()})
			}
		}
		if queue = c.begin(ctx, queue, running, results); len(queue) == 0 {
			continue
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	return n, nil
}

// begin begins the calls that there is room for, and returns the others.
func (c *calls[T]) begin(ctx context.Context, queue []waiting[T], running *sync.WaitGroup, results chan<- called[T]) []waiting[T] {
	left := queue[:0]
	for _, w := range queue {
		owner := c.owner(w.item)
		switch {
		case time.Since(w.taken) > callFresh: // it is about to be another's
		case c.isMute(owner):
			results <- called[T]{w.item, c.judge(w.item, errMute)}
		case !c.gate.enter(owner):
			left = append(left, w)
		default:
			running.Go(func() {
				defer c.gate.leave(owner)
				err := c.call(ctx, w.item)
				o := store.Outcome{Cut: true}
				if ctx.Err() == nil || err == nil {
					o = c.judge(w.item, err)
					c.heard(owner, err)
					c.count.add(err)
				}
				results <- called[T]{w.item, o}
			})
		}
	}
	return left
}

var errMute = errors.New("other calls to its owner were not answered")

// heard notes whether an owner answers.
func (c *calls[T]) heard(owner string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answered(err) {
		delete(c.mute, owner)
		return
	}
	c.mute[owner]++
}

func (c *calls[T]) isMute(owner string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mute[owner] >= callMute
}

// answered reports whether there was a server that said anything.
func answered(err error) bool {
	return err == nil || errors.As(err, new(*fetch.StatusError)) || errors.Is(err, fetch.ErrTooLong) || errors.Is(err, errEcho)
}

// settleAll notes results, those together that came meanwhile. After an error it
// stops the calls, and the rest is left to be done again.
func (c *calls[T]) settleAll(ctx context.Context, results <-chan called[T], stop func()) error {
	var failed error
	for first := range results {
		batch := []called[T]{first}
		for len(batch) < callBatch && len(results) > 0 {
			batch = append(batch, <-results)
		}
		if failed != nil {
			continue
		}
		if failed = c.settle(ctx, batch); failed != nil {
			stop()
		}
	}
	return failed
}
