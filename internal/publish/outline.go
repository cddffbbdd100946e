package publish

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
)

// readOutline reads of a document what rules are about.
func readOutline(format Format, data []byte) (outline, error) {
	switch format {
	case RSS:
		return readRSS(data)
	case Atom:
		return readAtom(data)
	}
	return readJSON(data)
}

func readJSON(data []byte) (o outline, err error) {
	var x struct {
		Self     string `json:"feed_url"`
		Title    string `json:"title"`
		Home     string `json:"home_page_url"`
		Language string `json:"language"`
		Items    []struct {
			ID          string `json:"id"`
			URL         string `json:"url"`
			Language    string `json:"language"`
			Published   string `json:"date_published"`
			Modified    string `json:"date_modified"`
			Attachments []struct {
				URL  string      `json:"url"`
				Type string      `json:"mime_type"`
				Size json.Number `json:"size_in_bytes"`
			} `json:"attachments"`
		} `json:"items"`
	}
	if err := json.Unmarshal(data, &x); err != nil {
		return o, err
	}
	o = outline{self: x.Self, title: x.Title, home: x.Home, language: x.Language}
	for _, it := range x.Items {
		e := outlineEntry{id: it.ID, link: it.URL, language: it.Language, dates: notEmpty(it.Published, it.Modified)}
		for _, a := range it.Attachments {
			e.enclosures = append(e.enclosures, outlineEnclosure{a.URL, a.Type, a.Size.String()})
		}
		o.entries = append(o.entries, e)
	}
	return o, nil
}

const atomNamespace = "http://www.w3.org/2005/Atom"

type linkElement struct {
	XMLName xml.Name
	Rel     string `xml:"rel,attr"`
	Href    string `xml:"href,attr"`
	Type    string `xml:"type,attr"`
	Length  string `xml:"length,attr"`
	Text    string `xml:",chardata"`
}

func readRSS(data []byte) (o outline, err error) {
	type titleElement struct { // media:title and itunes:title are others
		XMLName xml.Name
		Text    string `xml:",chardata"`
	}
	var x struct {
		XMLName xml.Name `xml:"rss"`
		Channel struct {
			Titles   []titleElement `xml:"title"`
			Language string         `xml:"language"`
			Links    []linkElement  `xml:"link"`
			Items    []struct {
				GUID      string        `xml:"guid"`
				Date      string        `xml:"pubDate"`
				Language  string        `xml:"http://purl.org/dc/elements/1.1/ language"`
				Links     []linkElement `xml:"link"`
				Enclosure []struct {
					URL    string `xml:"url,attr"`
					Type   string `xml:"type,attr"`
					Length string `xml:"length,attr"`
				} `xml:"enclosure"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	if err = whole(data, &x); err != nil {
		return o, err
	}
	o.language = x.Channel.Language
	for _, t := range x.Channel.Titles {
		if t.XMLName.Space == "" {
			o.title = strings.TrimSpace(t.Text)
		}
	}
	for _, l := range x.Channel.Links {
		switch {
		case l.XMLName.Space == "":
			o.home = l.Text
		case l.XMLName.Space == atomNamespace && l.Rel == "self":
			o.self = l.Href
		}
	}
	for _, it := range x.Channel.Items {
		e := outlineEntry{id: it.GUID, language: it.Language, dates: notEmpty(it.Date)}
		for _, l := range it.Links {
			if l.XMLName.Space == "" {
				e.link = l.Text
			}
		}
		for _, c := range it.Enclosure {
			e.enclosures = append(e.enclosures, outlineEnclosure{c.URL, c.Type, c.Length})
		}
		o.entries = append(o.entries, e)
	}
	return o, nil
}

func readAtom(data []byte) (o outline, err error) {
	var x struct {
		XMLName  xml.Name      `xml:"http://www.w3.org/2005/Atom feed"`
		Title    string        `xml:"http://www.w3.org/2005/Atom title"`
		Language string        `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Updated  string        `xml:"http://www.w3.org/2005/Atom updated"`
		Links    []linkElement `xml:"http://www.w3.org/2005/Atom link"`
		Entries  []struct {
			ID        string        `xml:"http://www.w3.org/2005/Atom id"`
			Language  string        `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
			Updated   string        `xml:"http://www.w3.org/2005/Atom updated"`
			Published string        `xml:"http://www.w3.org/2005/Atom published"`
			Links     []linkElement `xml:"http://www.w3.org/2005/Atom link"`
		} `xml:"http://www.w3.org/2005/Atom entry"`
	}
	if err = whole(data, &x); err != nil {
		return o, err
	}
	o = outline{title: strings.TrimSpace(x.Title), language: x.Language, updated: x.Updated}
	for _, l := range x.Links {
		switch l.Rel {
		case "self":
			o.self = l.Href
		case "alternate":
			o.home = l.Href
		}
	}
	for _, it := range x.Entries {
		// Its updated is demanded: an empty one is no date.
		e := outlineEntry{id: it.ID, language: it.Language, dates: append([]string{it.Updated}, notEmpty(it.Published)...)}
		for _, l := range it.Links {
			switch l.Rel {
			case "alternate":
				e.link = l.Href
			case "enclosure":
				e.enclosures = append(e.enclosures, outlineEnclosure{l.Href, l.Type, l.Length})
			}
		}
		o.entries = append(o.entries, e)
	}
	return o, nil
}

func notEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// whole decodes a document and sees to it that nothing is behind it.
func whole(data []byte, v any) error {
	if err := parseXML(data); err != nil {
		return err
	}
	return xml.NewDecoder(bytes.NewReader(data)).Decode(v)
}
