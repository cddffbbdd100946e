package mailer_test

import (
	"bufio"
	"bytes"
	"io"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"syndicate/internal/mailer"
)

func TestEndData(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ msg, want string }{
		{"a\r\n", "a\r\n.\r\n"},
		{"a", "a\r\n.\r\n"},
		{".", "..\r\n.\r\n"},
		{".\r\n", "..\r\n.\r\n"},
		{"a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
		{"a\r\n..b\r\n.c", "a\r\n...b\r\n..c\r\n.\r\n"},
		{"a.b\r\nc.", "a.b\r\nc.\r\n.\r\n"},
		{"\r\n.x\r\n", "\r\n..x\r\n.\r\n"},
		// What some relays take for the end of a message, and for commands after it.
		{"a\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"a\r.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"a\r\n.\nMAIL\r\n", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"a\r\n.\rMAIL\r\n", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"a\r\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n"},
		{"\n", "\r\n.\r\n"},
		{"a\r", "a\r\n.\r\n"},
	} {
		if got := string(mailer.EndData([]byte(tt.msg))); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.msg, got, tt.want)
		}
	}
}

// FuzzDot: whatever the message, there is one end, and what a relay takes in is
// what was given, with CRLF.
func FuzzDot(f *testing.F) {
	for _, s := range []string{"", ".", "a\r\n.\r\nb", "a\n.\n", "\r.\r", "..\r\n..", "a\r\n", "\r\r\n\n.\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		out := mailer.EndData(slices.Clone(msg))
		if n := bytes.Count(append([]byte("\r\n"), out...), []byte("\r\n.\r\n")); n != 1 || !bytes.HasSuffix(out, []byte(".\r\n")) {
			t.Fatalf("%q: %d ends in %q", msg, n, out)
		}
		bare := bytes.ReplaceAll(out, []byte("\r\n"), nil)
		if bytes.ContainsAny(bare, "\r\n") {
			t.Fatalf("%q: a bare CR or LF in %q", msg, out)
		}
		got, err := io.ReadAll(textproto.NewReader(bufio.NewReader(bytes.NewReader(out))).DotReader())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(msg))
		if want != "" && !strings.HasSuffix(want, "\n") || want == "" && len(got) > 0 {
			want += "\n"
		}
		if string(got) != want {
			t.Fatalf("%q arrives as %q, want %q", msg, got, want)
		}
	})
}

// BenchmarkEndData makes a message of 38 KB ready to leave.
func BenchmarkEndData(b *testing.B) {
	msg := build(b, bigContent()).Append(nil, personal())
	msg = append(msg, "....."...)[:len(msg)] // room for the dot
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		mailer.EndData(msg)
	}
}
