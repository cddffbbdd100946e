package web // the deadlines that a connection sets are nobody else's business

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLazyDeadline goes through what net/http does with a connection, and looks at
// what is set on it.
func TestLazyDeadline(t *testing.T) {
	t.Parallel()
	now := time.Now()
	past, soon, later := time.Unix(1, 0), now.Add(time.Hour), now.Add(2*time.Hour)
	var set []time.Time
	d := lazyDeadline{set: func(t time.Time) error { set = append(set, t); return nil }}
	check := func(what string, want ...time.Time) {
		t.Helper()
		if !slices.Equal(set, want) {
			t.Errorf("%s: set %v, want %v", what, set, want)
		}
		set = nil
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	again := func(err error, want bool) {
		t.Helper()
		if got := d.end(err); got != want {
			t.Errorf("again: %v, want %v", got, want)
		}
	}
	ok(d.want(later))
	check("nobody waits")
	ok(d.begin())
	check("a first wait", later)
	again(nil, false)
	ok(d.want(soon))
	ok(d.want(time.Time{}))
	check("nobody waits")
	ok(d.begin()) // as long as it takes, with what is set
	check("none is wanted")
	ok(d.want(later))
	check("it ends in time already")
	ok(d.want(soon))
	check("it has to end sooner", soon)
	ok(d.want(later))
	check("later is early enough")
	again(os.ErrDeadlineExceeded, true) // soon has come, and later is wanted
	ok(d.begin())
	check("on until later", later)
	ok(d.want(past))
	check("to be woken", past)
	again(os.ErrDeadlineExceeded, false)
	ok(d.want(time.Time{}))
	ok(d.want(later))
	check("nobody waits")
	ok(d.begin())
	check("the one that woke does not do any more", later)
	again(os.ErrDeadlineExceeded, true)
	ok(d.want(past))
	ok(d.begin())
	check("woken before it waited", past)
	again(os.ErrDeadlineExceeded, false)

	ok(d.want(later))
	ok(d.beginExact())
	check("the very one", later)
	ok(d.want(later.Add(1)))
	check("and each other", later.Add(1))
	again(nil, false)
}

// TestLazyConnection reads and writes over real sockets.
func TestLazyConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := LazyDeadlines(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	// Woken from a read, which is how net/http ends its reading ahead.
	woken := make(chan error)
	for range 3 {
		go func() {
			_, err := c.Read(make([]byte, 1))
			woken <- err
		}()
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-woken; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("woken with %v", err)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(client, "x"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}

	// Cut off, not before its time.
	until := time.Now().Add(20 * time.Millisecond)
	if err := c.SetDeadline(until); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().Before(until) {
		t.Errorf("read: %v, %v early", err, time.Until(until))
	}
	until = time.Now().Add(20 * time.Millisecond)
	if err := c.SetWriteDeadline(until); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 1<<16)
	for err = nil; err == nil; { // the client reads nothing
		_, err = c.Write(part)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().Before(until) {
		t.Errorf("write: %v, %v early", err, time.Until(until))
	}
	if err := c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	file, ok := c.(io.ReaderFrom)
	if !ok {
		t.Fatal("files cannot be copied by the kernel")
	}
	if _, err := file.ReadFrom(strings.NewReader(strings.Repeat("x", 1<<24))); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("copied: %v", err)
	}
}

// TestSlowClient: one that does not read is cut off.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 1<<16)
	ended := make(chan error, 1)
	srv := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(body); err != nil {
				ended <- err
				return
			}
		}
	}), Timeouts{Write: 50 * time.Millisecond}, nil)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(LazyDeadlines(l)) }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the answer ended with %v", err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
