package feeds

import (
	"encoding/xml"
	"errors"
)

// The documents with their items inside, encoded at once: what the spliced ones
// are held against.
type (
	wholeRSS struct {
		*rssRoot
		XMLName xml.Name `xml:"rss"`
		Channel struct {
			XMLName xml.Name `xml:"channel"`
			*rssChannel
			Items []*rssItem `xml:"item"`
		}
	}
	wholeAtom struct {
		*atomFeed
		XMLName xml.Name     `xml:"feed"`
		Entries []*atomEntry `xml:"entry"`
	}
)

func (w *wholeRSS) FeedXml() any  { return w } //nolint:staticcheck // the name is gorilla/feeds'
func (w *wholeAtom) FeedXml() any { return w } //nolint:staticcheck // the name is gorilla/feeds'

// Whole encodes the format with that ending at once.
func Whole(ext string, f Feed, items []Item) ([]byte, error) {
	var entries []Entry
	var rss wholeRSS
	var atom wholeAtom
	jsonItems := []*jsonItem{}
	for _, it := range items {
		it = it.clean()
		entries = append(entries, Entry{Updated: it.updated(), Signed: len(it.Authors) > 0})
		rss.Channel.Items = append(rss.Channel.Items, newRSSItem(&it))
		atom.Entries = append(atom.Entries, newAtomEntry(&it))
		jsonItems = append(jsonItems, newJSONItem(&it))
	}
	f = f.clean()
	switch ext {
	case ".rss":
		rss.rssRoot = newRSSRoot(f, entries)
		rss.Channel.rssChannel = rss.rssRoot.Channel
		return writeXML(&rss)
	case ".atom":
		atom.atomFeed = newAtomFeed(f, entries)
		return writeXML(&atom)
	case ".json":
		x := newJSONFeed(f, entries)
		x.Items = jsonItems
		data, err := encodeJSON(x, "", 0)
		return append(data, '\n'), err
	}
	return nil, errors.New("no such format")
}
