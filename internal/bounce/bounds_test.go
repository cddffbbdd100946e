package bounce_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"syndicate/internal/bounce"
	"syndicate/internal/newsletter"
)

// endless is a message without an end, which counts what is read of it.
type endless struct {
	head, again string
	read        int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		at := e.read + n
		if at < len(e.head) {
			n += copy(p[n:], e.head[at:])
			continue
		}
		n += copy(p[n:], e.again[(at-len(e.head))%len(e.again):])
	}
	e.read += n
	return n, nil
}

const about1MiB = 1<<20 + 64<<10

// TestEndless: whatever goes on for ever, a mebibyte of it is read.
func TestEndless(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]*endless{
		"header":      {again: "X-Field: value\r\n"},
		"header line": {again: "X-Field: value "},
		"body":        {head: "From: mailer-daemon@example.net\r\n\r\n<ann@example.com>: 550 5.1.1 no such user\r\n\r\n", again: "550 5.1.1 bob@example.com\r\n"},
		"parts":       {head: "Content-Type: multipart/mixed; boundary=b\r\n\r\n", again: "--b\r\n\r\nx\r\n"},
		"recipients":  {head: "Content-Type: message/delivery-status\r\n\r\n", again: "Final-Recipient: rfc822; ann@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"},
		"part header": {head: "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", again: "A: b\r\n"},
		"zeros":       {again: "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reports, err := bounce.Parse(e, options)
			if err != nil || len(reports) == 0 || len(reports) > 100 {
				t.Fatalf("%d reports, %v", len(reports), err)
			}
			if e.read > about1MiB {
				t.Errorf("read %d bytes", e.read)
			}
		})
	}
}

// TestLarge: a report of 25 MB says what a small one says.
func TestLarge(t *testing.T) {
	t.Parallel()
	head := "From: mailer-daemon@example.net\r\nContent-Type: multipart/report; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n" +
		"Final-Recipient: rfc822; ann@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <17@news.example.org>\r\n\r\n"
	r := io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{again: "All work and no play.\r\n"}, 25<<20), strings.NewReader("--b--\r\n"))
	got, err := bounce.Parse(r, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Kind != newsletter.ReportHard || got[0].Recipient != "ann@example.com" || got[0].MessageID != "17@news.example.org" {
		t.Errorf("%+v", got)
	}
}

// TestNested: ten thousand parts in one another, and as many beside one another,
// hide nothing that stands before them and cost no more than their bytes.
func TestNested(t *testing.T) {
	t.Parallel()
	status := "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; ann@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
	var deep, wide, rfc822 strings.Builder
	deep.WriteString("Content-Type: multipart/mixed; boundary=b0\r\n\r\n--b0\r\n" + status)
	wide.WriteString("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + status)
	rfc822.WriteString("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + status + "--b\r\n")
	for i := range 10_000 {
		fmt.Fprintf(&deep, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
		wide.WriteString("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n")
		rfc822.WriteString("Content-Type: message/rfc822\r\n\r\n")
	}
	for name, s := range map[string]string{"deep": deep.String(), "wide": wide.String(), "rfc822": rfc822.String()} {
		got, err := bounce.Parse(strings.NewReader(s), options)
		if err != nil || len(got) != 1 || got[0].Kind != newsletter.ReportHard || got[0].Recipient != "ann@example.com" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestBroken: encodings that break off, or are none, are read as far as they go.
func TestBroken(t *testing.T) {
	t.Parallel()
	text := "<ann@example.com>: 550 5.1.1 no such user\r\n"
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, 3)))
	for name, message := range map[string]string{
		"base64 cut":        "Content-Transfer-Encoding: base64\r\n\r\n" + encoded[:len(encoded)-7] + "***",
		"base64 that isn't": "Content-Transfer-Encoding: base64\r\n\r\n" + text,
		"unknown encoding":  "Content-Transfer-Encoding: x-rot26\r\n\r\n" + text,
		"unknown charset":   "Content-Type: text/plain; charset=x-unheard-of\r\n\r\n" + text + "\xe9\xff",
		"wrong charset":     "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\xe9\xff",
		"no type":           "Content-Type: ;;;\r\n\r\n" + text,
		"no boundary":       "Content-Type: multipart/report\r\n\r\n" + text,
		"no header":         "\r\n" + text,
	} {
		got, err := bounce.Parse(strings.NewReader("From: MAILER-DAEMON@example.net\r\nSubject: failure notice\r\n"+message), options)
		if err != nil || got[0].Kind != newsletter.ReportHard || got[0].Recipient != "ann@example.com" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
