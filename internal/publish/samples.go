package publish

import (
	"context"
	"embed"
	"fmt"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
)

// What an article looks like in a document is decided by more than the article and
// the settings: by the libraries that render Markdown, clean HTML and encode, in the
// versions that were built in, and by our own rules. So a build looks at what some
// samples become, which have something of everything in them. Where that is not what
// it was, nothing that stands is trusted: after an update of the cleaner, say, no
// document keeps what it would let through no more.

//go:embed samples/*
var sampleBodies embed.FS

// samples are articles that no store has: one of each format.
func samples() ([]newsletter.Article, error) {
	at := time.Date(2026, 11, 26, 8, 30, 0, 0, time.UTC)
	explicit := false
	var list []newsletter.Article
	for _, format := range []newsletter.Format{newsletter.Markdown, newsletter.HTML, newsletter.PlainText} {
		name := "sample." + string(format)
		body, err := sampleBodies.ReadFile("samples/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading a sample: %w", err)
		}
		list = append(list, newsletter.Article{
			ID: "5a8c7a3e-0000-5000-8000-000000000000", Key: name, Slug: "sample", Title: "A <sample> of \x01 everything &amp; more", Summary: "What it is: <b>\"bold\"</b> & ]]>.",
			Language: "en", Section: "news/harbour", Tags: []string{"Mer & Pêche", "C++"},
			Authors: []newsletter.Author{{Name: "Ines Falk", Email: "ines@example.org", URL: "https://bücher.example/ines"}, {Name: "AT&T"}},
			Image:   &newsletter.Image{URL: "/boat.jpg", Alt: "A <boat>", Type: "image/jpeg", Width: 800, Height: 600, Size: 12345},
			Enclosures: []newsletter.Enclosure{
				{URL: "https://example.org/notes.pdf", Type: "application/pdf", Size: 3 << 30},
				{URL: "/talk.mp3", Type: "audio/mpeg", Size: 1000, Duration: time.Hour + 1500*time.Millisecond},
			},
			Episode: &newsletter.Episode{
				Season: 1, Number: 2, Type: "bonus", Explicit: &explicit, Chapters: []newsletter.Chapter{{Start: time.Minute, Title: "A & b", URL: "https://example.org/b"}},
				ChaptersURL: "/talk.chapters.json", Transcript: "/talk.vtt",
			},
			License: "https://example.org/licence", Copyright: "© Ines Falk",
			Origin:    &newsletter.Origin{URL: "https://example.org/first", Title: "Elsewhere", Feed: "https://example.org/feed", ID: "tag:example.org,2026:feed"},
			Published: at, Updated: at.Add(time.Hour), Format: format, Body: string(body),
		})
	}
	return list, nil
}

// samplesPrint hashes what the samples become in documents of each format, whole and
// with their summaries only.
func (b *Builder) samplesPrint(ctx context.Context) (string, error) {
	list, err := samples()
	if err != nil {
		return "", err
	}
	var entries []feeds.Entry
	for i := range list {
		for _, full := range bodies {
			it, _, err := b.o.Item(ctx, &list[i], full)
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			if err != nil { // articles like it go out without their bodies
				it.HTML = ""
			}
			e, err := feeds.Encode(it)
			if err != nil {
				return "", fmt.Errorf("encoding a sample: %w", err)
			}
			entries = append(entries, e)
		}
	}
	page := b.o.Site.URL + "/sample"
	head := feeds.Feed{
		ID: "urn:uuid:" + list[0].ID, Title: "Samples & <more>", Description: "Of everything.", Language: "en", HomeURL: page, Author: "Ines Falk",
		Copyright: "© Ines Falk", License: list[0].License, Icon: page + ".ico", Logo: page + ".png", Self: page, Hubs: []string{page + "/hub"},
		Pages:   feeds.Pages{Archive: true, Current: page, PrevArchive: page + "/1", NextArchive: page + "/3"},
		Podcast: &newsletter.Podcast{Author: "Ines Falk", Email: "ines@example.org", Categories: []string{"Arts > Food"}},
	}
	var all []byte
	for _, format := range feeds.Formats() {
		document, err := format.Render(head, entries)
		if err != nil {
			return "", fmt.Errorf("building a document of samples: %w", err)
		}
		all = append(all, document...)
	}
	return Hash(all), nil
}
