package feeds

import (
	"cmp"
	"time"

	"github.com/gorilla/feeds"
)

type (
	jsonFeed struct {
		feeds.JSONFeed
		About *jsonAbout  `json:"_syndicate,omitempty"`
		Items []*jsonItem `json:"items"` // required, also when empty
	}
	jsonItem struct {
		feeds.JSONItem
		Language    string           `json:"language,omitempty"`
		Attachments []jsonAttachment `json:"attachments,omitempty"`
		About       *jsonAbout       `json:"_syndicate,omitempty"`
		HTML        string           `json:"content_html,omitempty"` // last: see jsonPiece
	}
	// jsonAbout is an extension (jsonfeed.org/version/1.1, Extensions) for what the
	// other formats say and JSON Feed has no words for.
	jsonAbout struct {
		Copyright string      `json:"copyright,omitempty"`
		License   string      `json:"license,omitempty"`
		Source    *jsonSource `json:"source,omitempty"`
		Season    int         `json:"season,omitempty"`
		Episode   int         `json:"episode,omitempty"`
	}
	jsonSource struct {
		Title string `json:"title,omitempty"`
		URL   string `json:"url,omitempty"`
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

// JSON writes a JSON Feed 1.1 document (jsonfeed.org/version/1.1).
func JSON(f Feed, entries []Entry) ([]byte, error) {
	head, err := encodeJSON(newJSONFeed(f.clean(), entries), "", 2048)
	if err != nil {
		return nil, err
	}
	head = append(head, '\n')
	return splice(head, "]\n}\n", entries, func(e *Entry) []byte { return e.JSON }, "\n    ", ",\n    ", "\n  ]\n}\n")
}

func newJSONFeed(f Feed, entries []Entry) *jsonFeed {
	x := &jsonFeed{
		JSONFeed: feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       f.Title,
			Language:    f.Language,
			HomePageUrl: f.HomeURL,
			Description: f.Description,
			Icon:        f.Logo,
			Favicon:     f.Icon,
		},
		Items: []*jsonItem{},
	}
	if f.Self != "" {
		x.FeedUrl = f.Self + ".json"
	}
	if f.Pages.PrevArchive != "" { // older ones, as next_url means
		x.NextUrl = f.Pages.PrevArchive + ".json"
	}
	for _, h := range f.Hubs {
		x.Hubs = append(x.Hubs, &feeds.JSONHub{Type: "WebSub", Url: h})
	}
	// Some readers add the feed's authors to every item: only where no item has its own.
	signed := false
	for i := range entries {
		signed = signed || entries[i].Signed
	}
	if f.Author != "" && !signed {
		x.Authors = []*feeds.JSONAuthor{{Name: f.Author}}
	}
	if f.Copyright != "" || f.License != "" {
		x.About = &jsonAbout{Copyright: f.Copyright, License: f.License}
	}
	return x
}

func newJSONItem(it *Item) *jsonItem {
	x := &jsonItem{
		JSONItem: feeds.JSONItem{
			Id:            ItemID(&it.Article),
			Url:           it.URL,
			Title:         it.Title,
			Summary:       it.Summary,
			PublishedDate: jsonTime(it.Published),
			Tags:          it.Tags,
		},
		Language: it.Language,
		HTML:     it.HTML,
	}
	if it.HTML == "" { // one of the two contents is required
		x.ContentText = cmp.Or(it.Summary, it.Title)
	}
	if it.changed().After(it.Published) {
		x.ModifiedDate = jsonTime(it.changed())
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
	about := jsonAbout{Copyright: it.Copyright, License: it.License}
	if o := it.Origin; o != nil {
		x.ExternalUrl = o.URL
		if o.Title != "" || o.Feed != "" {
			about.Source = &jsonSource{o.Title, o.Feed}
		}
	}
	if len(it.Enclosures) > 0 {
		about.Season, about.Episode = max(it.Episode.Season, 0), max(it.Episode.Number, 0)
	}
	if about != (jsonAbout{}) {
		x.About = &about
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
