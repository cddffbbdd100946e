package roster_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"email,name\nann@example.org,Ann\n",
		"\ufeffname;email\r\n\"A\n\";a@b.example",
		"email\n\"\n\xff@\x00.org\n",
		"\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00c\x00o\x00",
		"Anne <anne@example.org>\n\"a\\\"\" <b@example.org>\n#\n",
		"uuid,email,attributes,status,created_at\n1,a@example.org,{},enabled,2024-01-02 10:11:12 +0000 UTC\n",
		"email,OPTIN_TIME,OPTIN_IP,UNSUB_TIME,TAGS\na@example.org,2024-01-02 10:11:12,::ffff:192.0.2.1%eth0,,\"\"\"x\"\"\"\n",
		"email,creation_date,type,metadata\na@example.org,x,regular,\"{\"\"name\"\":\"\"\x00\"\"}\"\n",
		",mAil\n0",
		"email,newsletter,state,consent_source,proof,hour,set_by_owner\na@example.org,w,confirmed,cli,{},3,hour\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []func(io.Reader) (*roster.Reader, error){
			roster.NewReader,
			func(r io.Reader) (*roster.Reader, error) { return roster.NewImport(r, roster.ImportOptions{}) },
			func(r io.Reader) (*roster.Reader, error) {
				return roster.NewImport(r, roster.ImportOptions{Tags: true})
			},
		} {
			x, err := read(bytes.NewReader(data))
			if err == nil {
				readAll(t, x, len(data)+20)
			}
		}
	})
}

// readAll reads a list of at most so many lines.
func readAll(t *testing.T, x *roster.Reader, most int) {
	for range most {
		l, err := x.Next()
		var p *roster.Problem
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &p):
			if p.Line < 1 || p.Column < 0 {
				t.Fatalf("a problem without a place: %+v", p)
			}
		case err != nil:
			if !strings.Contains(err.Error(), "no end within") {
				t.Fatalf("reading bytes cannot fail: %v", err)
			}
			return
		default:
			sound(t, &l)
		}
	}
	t.Fatal("the list does not end")
}

// sound checks what the store relies on.
func sound(t *testing.T, l *newsletter.Line) {
	again, err := roster.Address(l.Email)
	if err != nil || again != l.Email {
		t.Fatalf("%q is not in its normal form: %q, %v", l.Email, again, err)
	}
	all := []string{l.Proof, l.LeftBy}
	for _, s := range []*string{l.Name, l.Language, l.TimeZone} {
		if s != nil {
			all = append(all, *s)
		}
	}
	if l.Topics != nil {
		all = append(all, *l.Topics...)
	}
	if l.Choices != nil {
		all = append(all, string(l.Choices.Cadence))
	}
	for _, s := range all {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Fatalf("%q is no text for a database", s)
		}
	}
}
