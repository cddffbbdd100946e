package sink

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRead: wherever the network cuts it, a message ends at its dot, and what
// follows is left alone.
func TestRead(t *testing.T) {
	t.Parallel()
	const header = "Message-ID: <1@x.org>\r\nTo: Ada\r\n <ADA@x.org>\r\n"
	for _, x := range []struct {
		body, rest string
		size       int64
	}{
		{"", "QUIT\r\n", 0},
		{header + "\r\nHello\r\n", "QUIT\r\n", int64(len(header) + 9)},
		{header + "\r\n..\r\n...\r\nx.\r\n", "", int64(len(header) + 2 + 4 + 5 + 4)},
		{header + "\r\n" + strings.Repeat("0123456789abcdef\r\n", 20_000), ".\r\n.", int64(len(header) + 2 + 360_000)},
	} {
		for name, cut := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "bytes": iotest.OneByteReader,
		} {
			r := bufio.NewReaderSize(cut(strings.NewReader(x.body+".\r\n"+x.rest)), 64<<10)
			var m message
			begun := 0
			if err := m.read(r, func() { begun++ }); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(r)
			if m.size != x.size || string(rest) != x.rest || err != nil || begun != 1 {
				t.Errorf("%s: %d bytes of %d, then %q, want %q (%v)", name, m.size, x.size, rest, x.rest, err)
			}
			if x.size > 0 && (!m.to("ada@x.org") || m.to("bo@x.org") || m.id() != hash(0, "<1@x.org>")) {
				t.Errorf("%s: header %q", name, m.header)
			}
		}
	}
}

// TestFaults: shares are kept, and an address suffers the same fault each time.
func TestFaults(t *testing.T) {
	t.Parallel()
	f := &Faults{Later: 0.1, Refuse: 0.01, DropReply: 0.05}
	count := map[fault]int{}
	for i := range 100_000 {
		a := "reader" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/7%100) + "@" + strings.Repeat("z", i/700) + ".org"
		was := f.of(1, a)
		count[was]++
		if again := f.of(1, a); again != was {
			t.Fatalf("%s: fault %d, then %d", a, was, again)
		}
	}
	for fault, want := range map[fault]int{later: 10_000, refuse: 1000, dropReply: 5000, dropBody: 0} {
		if got := count[fault]; got < want*9/10 || got > want*11/10 {
			t.Errorf("fault %d: %d of 100,000, want about %d", fault, got, want)
		}
	}
}
