package feed_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/source/feed"
)

func TestRSS(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed.rss")
	p.file("harbour.rss", rssType)
	if f := p.visit(); f.Error != "" || f.Problems != "" || f.Held != "" {
		t.Fatalf("%+v", f)
	}
	no := false
	origin := func(link string) *newsletter.Origin {
		return &newsletter.Origin{URL: link, Title: "Notes from the quay", Feed: p.server.URL + "/feed.rss"}
	}
	want := map[string]newsletter.Article{
		"quay-3": {
			Source: "quay", Key: "quay-3", Slug: "tar-oakum-a-caulker-s-day", Permalink: p.server.URL + "/2026/tar?utm_source=rss",
			Title: "Tar & oakum: a caulker’s day", Summary: "In short: it is a sticky trade.", Language: "en-GB",
			Authors: []newsletter.Author{{Name: "Ines Falk"}}, Tags: []string{"craft", "sea"},
			Image:     &newsletter.Image{URL: p.server.URL + "/small.jpg", Width: 120, Height: 90},
			Published: time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC), Format: newsletter.HTML,
			Body: `<p>It is a <a href="` + p.server.URL + `/sticky">sticky</a> trade.</p><img src="` + p.server.URL + `/tar.jpg" width="40" height="30" alt=""/><a href="https://video.example/1">https://video.example/1</a>`,
		},
		"quay-2": {
			Source: "quay", Key: "quay-2", Slug: "the-fog-signal", Permalink: "https://quay.example/2026/fog", Title: "The fog signal",
			Summary: "Plain words, & no tags: 3 < 4.", Language: "en-GB", Published: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC),
			Enclosures: []newsletter.Enclosure{{URL: "https://quay.example/fog.mp3", Type: "audio/mpeg", Size: 3 << 30, Duration: time.Hour + 2*time.Minute + 3*time.Second}},
			Episode:    &newsletter.Episode{Season: 2, Number: 7, Explicit: &no},
			Format:     newsletter.PlainText, Body: "Plain words, & no tags: 3 < 4.",
		},
		"https://quay.example/notes/1": {
			Source: "quay", Key: "https://quay.example/notes/1", Permalink: "https://quay.example/notes/1", Language: "en-GB",
			Title: "A note without a title or a date, but long enough to have a sentence that may…", Published: p.now.Add(-2 * time.Second),
			Slug:    "a-note-without-a-title-or-a-date-but-long-enough-to-have-a-sentence-that-may",
			Summary: "A note without a title or a date, but long enough to have a sentence that may stand for one.",
			Format:  newsletter.HTML, Body: "<p>A note without a title or a date, but long enough to have a sentence that may stand for one.</p>",
		},
	}
	for k, a := range want {
		a.Origin = origin(a.Permalink)
		want[k] = a
	}
	if diff := cmp.Diff(want, p.stored); diff != "" {
		t.Errorf("articles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(feed.Offer{Hubs: []string{"https://hub.example/"}, Topic: "https://quay.example/feed.rss"}, feed.OfferOf(p.state)); diff != "" {
		t.Errorf("offer (-want +got):\n%s", diff)
	}
	if f := p.visit(); f.Emitted != "" || f.Error != "" {
		t.Errorf("the same again: %+v", f)
	}
}

func TestAtom(t *testing.T) {
	t.Parallel()
	p := start(t, "/atom")
	p.file("harbour.atom", "application/atom+xml")
	if f := p.visit(); f.Error != "" || f.Problems != "" || f.Emitted != "Brume" {
		t.Fatalf("%+v", f)
	}
	a := p.stored["tag:quai.example,2026:1"]
	want := newsletter.Article{
		Source: "quay", Key: "tag:quai.example,2026:1", Slug: "brume", Permalink: "https://quai.example/brume", Title: "Brume", Summary: "Un matin gris.",
		Language: "fr", Authors: []newsletter.Author{{Name: "La rédaction"}}, Tags: a.Tags,
		Enclosures: []newsletter.Enclosure{{URL: "https://quai.example/brume.ogg", Type: "audio/ogg", Size: 12}},
		Published:  time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC), Updated: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		Origin: &newsletter.Origin{URL: "https://quai.example/brume", Title: "Le quai", Feed: p.server.URL + "/atom", ID: "tag:quai.example,2026:feed"},
		Format: newsletter.HTML, Body: "<p>Un matin gris, « très » gris.</p>",
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("article (-want +got):\n%s", diff)
	}
	if len(a.Tags) == 0 {
		t.Error("it has no tags")
	}
}

func TestJSONFeed(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed.json")
	p.file("harbour.json", "application/feed+json")
	if f := p.visit(); f.Error != "" || f.Problems != "" {
		t.Fatalf("%+v", f)
	}
	want := newsletter.Article{
		Source: "quay", Key: "7", Slug: "a-boat-was-seen-it-was-small", Permalink: "https://boats.example/7", Title: "A boat was seen. It was small.", Summary: "A boat was seen. It was small.",
		Language: "en", Authors: []newsletter.Author{{Name: "Jo"}}, Tags: []string{"boats"},
		Enclosures: []newsletter.Enclosure{{URL: "https://boats.example/7.m4a", Type: "audio/mp4", Size: 100, Duration: 61 * time.Second}},
		Published:  time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
		Origin:     &newsletter.Origin{URL: "https://boats.example/7", Title: "Small boats", Feed: p.server.URL + "/feed.json"},
		Format:     newsletter.PlainText, Body: "A boat was seen.\n\nIt was small.",
	}
	if diff := cmp.Diff(want, p.stored["7"]); diff != "" {
		t.Errorf("article (-want +got):\n%s", diff)
	}
	if got := feed.OfferOf(p.state); len(got.Hubs) != 1 || got.Topic != "https://boats.example/feed.json" {
		t.Errorf("offer %+v", got)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	p := start(t, "/blog/")
	page := `<!doctype html><html><head><base href="/x/"><link rel="alternate" type="application/rss+xml" title="Comments" href="comments.rss">
		<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts"><link rel=alternate type="application/rss+xml; charset=utf-8" href="feed.rss"></head><p>Hello</html>`
	p.answers(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/blog/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
		case "/x/feed.rss":
			fmt.Fprint(w, rss(posts(1, 2)...))
		default:
			http.NotFound(w, r)
		}
	})
	if f := p.visit(); f.Emitted != "Post 2, Post 1" || f.Problems != "" {
		t.Fatalf("%+v", f)
	}
	p.requests()
	p.visit()
	if diff := cmp.Diff([]string{"/x/feed.rss"}, p.requests()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	// The feed is taken away: the page is asked again.
	page = strings.Replace(page, "feed.rss", "new.rss", 1)
	p.answers(func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	if f := p.visit(); f.Error != "it answers 404 Not Found" {
		t.Fatalf("%+v", f)
	}
	p.now = p.now.Add(24 * time.Hour)
	p.requests()
	p.visit()
	if diff := cmp.Diff([]string{"/blog/"}, p.requests()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestMoved(t *testing.T) {
	t.Parallel()
	p := start(t, "/old.rss")
	p.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old.rss" {
			http.Redirect(w, r, "/new.rss?key=secret", http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(w, rss(posts(1, 1)...))
	})
	if f := p.visit(); f.Emitted != "Post 1" || f.Problems != "it moved for good, and is read at "+p.server.URL+"/new.rss?…" {
		t.Fatalf("%+v", f)
	}
	p.requests()
	p.visit()
	if diff := cmp.Diff([]string{"/new.rss"}, p.requests()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
