package feed_test

import (
	"net/http"
	"strings"
	"testing"

	"syndicate/internal/fetch"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

// Documents that are deep beyond all reason do not get as far as parsers that would
// go down with them.
func TestDeep(t *testing.T) {
	t.Parallel()
	const n = 200_000
	tests := []struct{ name, text, want string }{
		{"extensions", `<rss version="2.0" xmlns:m="http://search.yahoo.com/mrss/"><channel><item>` + strings.Repeat("<m:group>", n), "its elements are nested too deep"},
		{"elements", `<rss version="2.0"><channel><item><title>A</title><description>` + strings.Repeat("<b x='/'>", n), "its elements are nested too deep"},
		{"xhtml", `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title><content type="xhtml">` + strings.Repeat("<div>", n), "its elements are nested too deep"},
		{"JSON", `{"version":"https://jsonfeed.org/version/1","x":` + strings.Repeat("[", n), "exceeded max depth"},
		{"HTML", `<rss version="2.0"><channel><item><title>A</title><description>` + strings.Repeat("&lt;b&gt;", n) + `</description></item></channel></rss>`, ""},
		{"tags in a title", `<rss version="2.0"><channel><item><title>` + strings.Repeat("&lt;b ", n) + `</title></item></channel></rss>`, ""},
		{"wide, not deep", `<rss version="2.0"><channel><item><title>A</title><description><![CDATA[` + strings.Repeat("<b>", 200) + `]]></description></item>` +
			strings.Repeat("<!-- <x> --><item><title>B</title><x/></item>", 900) + `</channel></rss>`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := feed.Document{Response: &fetch.Response{URL: "https://quay.example/feed", Body: []byte(test.text), Header: http.Header{}}}
			o := remote.Options{Name: "quay", Detect: func(string) string { return "en" }}
			l, err := remote.New(o, d).List(t.Context(), source.Ask{})
			switch {
			case test.want == "" && (err != nil || l.Changed == 0):
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
