package publish_test

import (
	"encoding/json"
	"slices"
	"testing"

	"syndicate/internal/publish"
)

// FuzzCheckDocument: whatever stands in public/ is judged, and what is not well-formed
// is never good.
func FuzzCheckDocument(f *testing.F) {
	f.Add(uint8(0), []byte(`<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>T</title><item><guid>x</guid><enclosure url="a" length="-1"/></item></channel></rss>`))
	f.Add(uint8(1), []byte(`<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><entry><id>a</id><link href="//b"/><updated>2026</updated></entry></feed>`))
	f.Add(uint8(2), []byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"attachments":[{"url":"x","size_in_bytes":1e99}]}]}`))
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		kind := publish.Formats[int(format)%len(publish.Formats)]
		found := publish.CheckDocument(kind, data, "https://news.example.org/feed."+string(kind), day)
		if kind == publish.JSON && !json.Valid(data) && !slices.ContainsFunc(found, func(x publish.Finding) bool { return x.Rule == publish.RuleForm && !x.Warning }) {
			t.Errorf("%q is no JSON, and found is %+v", data, found)
		}
		for _, x := range found {
			if x.Text == "" || x.Rule == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
