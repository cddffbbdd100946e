package jobs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestLettersTogether: a letter is made once for all who want it, and nobody else
// waits for it.
func TestLettersTogether(t *testing.T) {
	t.Parallel()
	slow, begun := make(chan struct{}), make(chan struct{})
	var made atomic.Int32
	x := newLetters(func(_ context.Context, key letterKey) (*letter, int, error) {
		made.Add(1)
		if key.digest == 1 {
			close(begun)
			<-slow
		}
		return &letter{issue: key.issue}, 10, nil
	})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if l, err := x.get(t.Context(), letterKey{issue: 7, digest: 1}); err != nil || l.issue != 7 {
				t.Error(l, err)
			}
		})
	}
	<-begun
	if _, err := x.get(t.Context(), letterKey{issue: 7, digest: 2}); err != nil {
		t.Error(err)
	}
	close(slow)
	all.Wait()
	if n := made.Load(); n != 2 {
		t.Errorf("%d letters were made of 2 digests", n)
	}
}

// TestLettersStopped: whoever waits for a letter whose maker was stopped makes it.
func TestLettersStopped(t *testing.T) {
	t.Parallel()
	stopped, begun := make(chan struct{}), make(chan struct{})
	var made atomic.Int32
	x := newLetters(func(ctx context.Context, _ letterKey) (*letter, int, error) {
		if made.Add(1) == 1 {
			close(begun)
			<-stopped
			return nil, 0, ctx.Err()
		}
		return &letter{}, 10, nil
	})
	ctx, stop := context.WithCancel(t.Context())
	var both sync.WaitGroup
	both.Go(func() {
		if _, err := x.get(ctx, letterKey{issue: 1, digest: 1}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-begun
	both.Go(func() {
		if l, err := x.get(t.Context(), letterKey{issue: 1, digest: 1}); l == nil || err != nil {
			t.Error(l, err)
		}
	})
	stop()
	close(stopped)
	both.Wait()
}

// TestLettersBound: the letters kept are bounded by their bytes; the one used last
// stays, however large, and one that cannot be made is not kept.
func TestLettersBound(t *testing.T) {
	t.Parallel()
	var made []int
	broken := errors.New("broken")
	x := newLetters(func(_ context.Context, key letterKey) (*letter, int, error) {
		made = append(made, key.digest)
		if key.digest == 9 {
			return nil, 0, broken
		}
		return &letter{}, maxLetterBytes / 3, nil
	})
	for _, digest := range []int{1, 2, 3, 1, 4, 1, 2, 9, 9} { // 4 makes 2 go, and 2 makes 3 go
		if _, err := x.get(t.Context(), letterKey{issue: 1, digest: digest}); err != nil != (digest == 9) {
			t.Error(digest, err)
		}
	}
	want := []int{1, 2, 3, 4, 2, 9, 9}
	if len(made) != len(want) {
		t.Fatalf("made %v, want %v", made, want)
	}
	for i := range want {
		if made[i] != want[i] {
			t.Fatalf("made %v, want %v", made, want)
		}
	}
	if x.bytes > maxLetterBytes || x.order.Len() != 3 || len(x.have) != 3 {
		t.Errorf("%d bytes of %d letters are kept", x.bytes, x.order.Len())
	}
}
