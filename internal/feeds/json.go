package feeds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gorilla/feeds"
)

type (
	jsonFeed struct {
		feeds.JSONFeed
		Items []*jsonItem `json:"items"` // required, also when empty
	}
	jsonItem struct {
		feeds.JSONItem
		Language    string           `json:"language,omitempty"`
		Attachments []jsonAttachment `json:"attachments,omitempty"`
	}
	// jsonAttachment replaces feeds.JSONAttachment, whose size has the wrong name
	// and ends at 2 GiB.
	jsonAttachment struct {
		URL      string  `json:"url"`
		Type     string  `json:"mime_type"`
		Size     int64   `json:"size_in_bytes,omitempty"`
		Duration float64 `json:"duration_in_seconds,omitempty"`
	}
)

// JSON renders the feed as JSON Feed 1.1 (jsonfeed.org/version/1.1).
func JSON(f Feed) ([]byte, error) {
	f = f.clean()
	x := &jsonFeed{
		JSONFeed: feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       f.Title,
			Language:    f.Language,
			HomePageUrl: f.HomeURL,
			FeedUrl:     f.SelfJSON,
			Description: f.Description,
			Icon:        f.Logo,
			Favicon:     f.Icon,
		},
		Items: []*jsonItem{},
	}
	for _, h := range f.Hubs {
		x.Hubs = append(x.Hubs, &feeds.JSONHub{Type: "WebSub", Url: h})
	}
	signed := false
	for i := range f.Items {
		it := newJSONItem(&f.Items[i], f.Language)
		signed = signed || len(it.Authors) > 0
		x.Items = append(x.Items, it)
	}
	// Some readers add the feed's authors to every item: only where no item has its own.
	if f.Author != "" && !signed {
		x.Authors = []*feeds.JSONAuthor{{Name: f.Author}}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(x); err != nil {
		return nil, fmt.Errorf("encoding the feed: %w", err)
	}
	return b.Bytes(), nil
}

func newJSONItem(it *Item, feedLanguage string) *jsonItem {
	x := &jsonItem{JSONItem: feeds.JSONItem{
		Id:            ItemID(&it.Article),
		Url:           it.URL,
		Title:         it.Title,
		Summary:       it.Summary,
		ContentHTML:   it.HTML,
		PublishedDate: jsonTime(it.Published),
		Tags:          it.Tags,
	}}
	if it.HTML == "" { // one of the two contents is required
		x.ContentText = cmp.Or(it.Summary, it.Title)
	}
	if it.changed().After(it.Published) {
		x.ModifiedDate = jsonTime(it.changed())
	}
	if it.Language != feedLanguage {
		x.Language = it.Language
	}
	for _, a := range it.Authors {
		x.Authors = append(x.Authors, &feeds.JSONAuthor{Name: a.Name, Url: a.URL})
	}
	if it.Image != nil {
		x.Image = it.Image.URL
	}
	for _, e := range it.Enclosures {
		x.Attachments = append(x.Attachments, jsonAttachment{URL: e.URL, Type: e.Type, Size: e.Size, Duration: e.Duration.Seconds()})
	}
	return x
}

func jsonTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
