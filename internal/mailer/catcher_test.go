package mailer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

func catcher(t *testing.T, o mailer.CatcherOptions) *mailer.Catcher {
	t.Helper()
	c, err := mailer.StartCatcher(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestCatcher: each message is a file of its own, byte for byte what was sent, beneath
// the envelope.
func TestCatcher(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "outbox")
	now := time.Date(2031, 3, 5, 7, 30, 0, 123456000, time.FixedZone("", 3600))
	c := catcher(t, mailer.CatcherOptions{Dir: dir, Now: func() time.Time { return now }})

	tpl, p := build(t, content()), personal()
	digest := &mailer.Outgoing{
		From: "news@example.org", To: p.To.Address, Size: tpl.Size(),
		Message: func(dst []byte) []byte { return tpl.Append(dst, p) },
	}
	conn := dial(t, c.Relay())
	results, end := run(conn, digest, message("b@x.org"))
	conn.Quit()
	check(t, "end", usable, end)
	if !conn.Capabilities().Pipelining {
		t.Error("the catcher does not offer PIPELINING")
	}
	if len(results) != 2 {
		t.Errorf("%+v", results)
	}
	checkFiles(t, dir, map[string]string{
		"20310305T063000.123456Z-000001-zoe@example.net.eml": "Return-Path: <news@example.org>\r\nDelivered-To: zoe@example.net\r\n" + string(tpl.Append(nil, p)),
		"20310305T063000.123456Z-000002-b@x.org.eml":         "Return-Path: <news@example.org>\r\nDelivered-To: b@x.org\r\n" + want("b@x.org")[0].Body,
	})

	conn = dial(t, c.Relay())
	_, _ = run(conn, message("../..%2Fetc/pa$$wd@x.org")) // an address by RFC 5321, and a trap
	conn.Quit()
	if names, err := filepath.Glob(filepath.Join(dir, "*-000003-.._..*.eml")); err != nil || len(names) != 1 || filepath.Base(names[0]) != "20310305T063000.123456Z-000003-.._.._2Fetc_pa__wd@x.org.eml" {
		t.Errorf("%v, %v", names, err)
	}
	for range 2 { // the second does nothing
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := mailer.Dial(t.Context(), c.Relay()); err == nil {
		t.Error("a closed catcher answers")
	}
}

func checkFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(b)
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	check(t, "files", want, got)
}

// TestCatcherBusy: several connections at once, none loses a message.
func TestCatcherBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := catcher(t, mailer.CatcherOptions{Dir: dir})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			var list []*mailer.Outgoing
			for i := range 25 {
				list = append(list, message(fmt.Sprintf("w%d-%d@x.org", worker, i)))
			}
			conn, _, err := mailer.Dial(t.Context(), c.Relay())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Quit()
			results, _ := run(conn, list...)
			for _, r := range results {
				if newsletter.Judge(r.Reply).State != newsletter.Sent {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 100 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// TestCatcherFails: what cannot be kept is refused for now, and leaves nothing.
func TestCatcherFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	c := catcher(t, mailer.CatcherOptions{Dir: dir, MaxBytes: 1000})
	big := message("a@x.org")
	big.Message = func(dst []byte) []byte { return append(dst, strings.Repeat("x\r\n", 500)...) }
	known := message("b@x.org")
	known.Size = 1500
	conn := dial(t, c.Relay())
	results, _ := run(conn, known, message("c@x.org"))
	if len(results) != 2 || results[0].Reply.Code != 552 || results[1].Reply.Code != 250 {
		t.Errorf("%+v", results)
	}
	results, _ = run(conn, big)
	if len(results) != 1 || results[0].Reply.Code != 552 {
		t.Errorf("%+v", results)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.eml")); err != nil || len(files) != 1 {
		t.Errorf("kept: %q, %v", files, err)
	}

	if err := os.RemoveAll(dir); err != nil { // as good as a full disk
		t.Fatal(err)
	}
	conn = dial(t, c.Relay())
	results, end := run(conn, message("d@x.org"))
	conn.Quit()
	if len(results) != 1 || results[0].Reply.Code != 452 || newsletter.Judge(results[0].Reply).State != newsletter.Pending || end.Code != 250 {
		t.Errorf("%+v, %+v", results, end)
	}
}

// TestCatcherClose: closing in the middle of a message keeps none of it.
func TestCatcherClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := catcher(t, mailer.CatcherOptions{Dir: dir})
	conn := dial(t, c.Relay())
	line := strings.Repeat("x", 76) + "\r\n"
	o := message("a@x.org")
	o.Message = func(dst []byte) []byte {
		return append(dst, strings.Repeat(line, 16<<20/len(line))...)
	}
	o.Mark = func(context.Context) error { return c.Close() } // its DATA is answered
	results, _ := run(conn, o)
	if len(results) != 1 || newsletter.Judge(results[0].Reply).State == newsletter.Sent {
		t.Errorf("%+v", results)
	}
	checkFiles(t, dir, map[string]string{})
}

// TestCatcherCloseAtOnce: a catcher may be closed before it has begun to serve.
func TestCatcherCloseAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 500 {
		c, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCatcherRefuses(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.1:25", "example.org:25", "127.0.0.1"} {
		c, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: t.TempDir(), Listen: listen})
		if err == nil {
			_ = c.Close()
			t.Errorf("%q was accepted", listen)
		} else if !strings.Contains(err.Error(), "loopback only") {
			t.Error(err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: filepath.Join(file, "outbox")}); err == nil {
		t.Error("a folder inside a file")
	}
}
