package publish_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"syndicate/internal/publish"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"Sea": "sea", "Mer & Pêche": "mer-pêche", "e\u0301te\u0301": "été", "C++": "c", "node.js": "node-js", "../..": "x-e6c4e0e3",
		"海": "海", "  a  b ": "a-b", "😀": "x-f0443a34", "İstanbul": "istanbul", "हिन्दी": "हिन्दी",
	} {
		got := publish.Slug(label)
		if strings.HasPrefix(want, "x-") {
			if len(got) != len(want) || !strings.HasPrefix(got, "x-") {
				t.Errorf("%q is %q", label, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%q is %q, want %q", label, got, want)
		}
	}
	long := publish.Slug(strings.Repeat("é", 300))
	if len(long) > 120 || !utf8.ValidString(long) || long == publish.Slug(strings.Repeat("é", 301)) {
		t.Errorf("a long label is %q", long)
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for piece, good := range map[string]bool{
		`<a/>`: true, `<a b="c" d='e'>x &amp; &#x3C; y</a>`: true, `<a><b></b ></a>`: true, `<a><![CDATA[ <b> & ]]></a>`: true, `<a><!-- < --></a>`: true,
		`<a>`: false, `</a>`: false, `<a><b></a></b>`: false, `<a b=c/>`: false, `<a b="<"/>`: false, `<a>&nbsp;</a>`: false, `<a>& b</a>`: false,
		`<a>]]></a>`: false, "<a>\x00</a>": false, "<a>\xff</a>": false, "<a>\uffff</a>": false, `<a><![CDATA[ ]] </a>`: false, `<a b="c>`: false, `< a/>`: false,
	} {
		if err := publish.WellFormed([]byte(piece)); (err == nil) != good {
			t.Errorf("%q: %v", piece, err)
		}
	}
}

// FuzzWellFormed: what passes is XML to a parser as well.
func FuzzWellFormed(f *testing.F) {
	f.Add([]byte(`<item><title>a &#x26; b</title><c><![CDATA[<p>]]></c><m:d e="f"/></item>`))
	f.Add([]byte(`<a><!-- - --><b></b></a>`))
	f.Fuzz(func(t *testing.T, piece []byte) {
		if publish.WellFormed(piece) != nil {
			return
		}
		d := xml.NewDecoder(bytes.NewReader(append(append([]byte("<x>"), piece...), "</x>"...)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%q: %v", piece, err)
			}
		}
	})
}
