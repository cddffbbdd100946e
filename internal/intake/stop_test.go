package intake_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/intake"
)

// TestStop: what is being stored is stored, and its sender hears so; all others are
// told to come again, at once.
func TestStop(t *testing.T) {
	t.Parallel()
	begun, go1 := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *intake.Options) {
		take := o.Take
		o.Take = func(ctx context.Context, r io.Reader, to string) error {
			close(begun)
			<-go1
			return take(ctx, r, to)
		}
	})
	idle, asking, sending, chunks, late := s.dial(), s.dial(), s.dial(), s.dial(), s.dial()
	asking.envelope(own)
	sending.envelope(own)
	sending.say("DATA", "354")
	sending.send("Subject: x\r\n")
	chunks.envelope(own)
	chunks.send("BDAT 100\r\nabc")
	late.envelope(own)
	late.say("DATA", "354")
	late.send(report + ".\r\n")
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	for name, c := range map[string]*client{"idle": idle, "asking": asking, "sending": sending, "chunks": chunks} {
		if line, err := c.reply(); err != nil || line[:3] != "421" {
			t.Errorf("%s: %q, %v", name, line, err)
		}
		c.wantClosed()
	}
	select {
	case err := <-ended:
		t.Fatalf("it ended before the message was stored: %v", err)
	default:
	}
	close(go1)
	late.want("250")
	late.want("421")
	late.wantClosed()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{delivered(own)}, s.messages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// TestStopHung: a store that does not answer is waited for no longer than the grace
// period, and the message is its sender's.
func TestStopHung(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	s := startOn(t, l, 50*time.Millisecond, func(o *intake.Options) {
		o.Take = func(ctx context.Context, _ io.Reader, _ string) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	c := s.dial()
	c.envelope(own)
	c.say("DATA", "354")
	c.send(report + ".\r\n")
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if line, err := c.reply(); err == nil && line[0] != '4' {
		t.Errorf("%q", line)
	}
}
