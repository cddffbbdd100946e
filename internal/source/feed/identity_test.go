package feed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

// change edits a copy of entries.
func change(list []entry, edit func(*entry)) []entry {
	list = slices.Clone(list)
	for i := range list {
		edit(&list[i])
	}
	return list
}

func (p *place) keys() string {
	var keys []string
	for k := range p.stored {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// Ids that mean the same are the same: no article is new, and none is held.
func TestSameIDs(t *testing.T) {
	t.Parallel()
	urls := func(format string) []entry {
		return change(posts(1, 6), func(e *entry) {
			n := strings.TrimPrefix(e.id, "id-")
			e.id, e.link = fmt.Sprintf(format, n), fmt.Sprintf(format, n)
		})
	}
	for _, format := range []string{
		"https://quay.example/%s/", "http://Quay.Example/%s", "https://quay.example:443/%s", "https://quay.example/%s?utm_source=rss&utm_medium=feed", "https://quay.example/%s#utm_source=x",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(rssType, rss(urls("https://quay.example/%s")...))
			p.visit()
			before := p.keys()
			p.shows(rssType, rss(append(posts(50, 1), urls(format)...)...))
			f := p.visit()
			if f.Held != "" || f.Problems != "" || !strings.HasPrefix(f.Emitted, "Post 50") {
				t.Errorf("%+v", f)
			}
			if p.keys() != before+" id-50" {
				t.Errorf("keys %s, before %s", p.keys(), before)
			}
		})
	}
	// But a fragment or a parameter that says something makes another id.
	p := start(t, "/feed")
	p.shows(rssType, rss(urls("https://quay.example/log#%s")...))
	p.visit()
	p.shows(rssType, rss(urls("https://quay.example/log?entry=%s")...))
	p.visit()
	if len(p.stored) != 6 {
		t.Errorf("%d articles, want 6", len(p.stored))
	}
}

// One id that changes makes no new article.
func TestOneIDChanges(t *testing.T) {
	t.Parallel()
	list := posts(1, 8)
	for name, edit := range map[string]func(*entry){
		"link stays":           func(e *entry) { e.id, e.title, e.text = "new", "Another title", "Another text." },
		"text stays":           func(e *entry) { e.id, e.link, e.title = "new", "https://elsewhere.example/x", "Another title" },
		"title and date stay":  func(e *entry) { e.id, e.link, e.text = "new", "https://elsewhere.example/x", "Another text." },
		"there is no id left":  func(e *entry) { e.id = "" },
		"id becomes the link":  func(e *entry) { e.id = e.link },
		"nothing but the link": func(e *entry) { *e = entry{link: e.link, title: "x"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(rssType, rss(list...))
			p.visit()
			before := p.keys()
			next := slices.Clone(list)
			edit(&next[3])
			p.shows(rssType, rss(next...))
			f := p.visit()
			if p.keys() != before || f.Held != "" {
				t.Errorf("keys %s\nwant %s\n%+v", p.keys(), before, f)
			}
			if f := p.visit(); f.Emitted != "" {
				t.Errorf("the same again: %+v", f)
			}
		})
	}
}

// A place that gives everything a new id is held: what is known goes on, the rest
// waits. Accepted, the articles are those that they were.
func TestAllIDsChange(t *testing.T) {
	t.Parallel()
	list := posts(1, 10)
	for name, edit := range map[string]func(*entry){
		"ids":              func(e *entry) { e.id = "new-" + e.id },
		"ids and links":    func(e *entry) { e.id, e.link = "new-"+e.id, strings.Replace(e.link, "quay.example", "new.example", 1) },
		"ids and texts":    func(e *entry) { e.id, e.text = "new-"+e.id, "Now it is something short." },
		"ids and dates":    func(e *entry) { e.id, e.date = "new-"+e.id, "Tue, 24 Nov 2026 11:00:00 GMT" },
		"all but the text": func(e *entry) { e.id, e.link, e.title = "new-"+e.id, e.link+"/x", "New "+e.title },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(rssType, rss(list...))
			p.visit()
			before := p.keys()
			next := change(list, edit)
			next = append([]entry{{id: "fresh", link: "https://quay.example/fresh", title: "Fresh", date: "Tue, 24 Nov 2026 13:30:00 GMT"}}, next...)
			p.shows(rssType, rss(next...))
			const held = "10 of 11 articles have other ids than before, at once; they are neither published nor sent until you accept it"
			for range 3 {
				if f := p.visit(); f.Held != held || f.Emitted != "" || p.keys() != before {
					t.Fatalf("%+v; keys %s", f, p.keys())
				}
			}
			p.accepted = true
			if f := p.visit(); f.Held != "" || p.keys() != "fresh "+before {
				t.Errorf("accepted: %+v; keys %s, want %s", f, p.keys(), before)
			}
			if f := p.visit(); f.Held != "" || f.Emitted != "" {
				t.Errorf("afterwards: %+v", f)
			}
			// Should they change once more, nobody has to be asked: the links say it.
			if name == "ids" {
				p.shows(rssType, rss(change(next, func(e *entry) { e.id += "-again" })...))
				if f := p.visit(); f.Held != "" || f.Emitted != "" {
					t.Errorf("once more: %+v", f)
				}
			}
		})
	}
}

// When the place goes back to what it was, nothing is held any more.
func TestHoldEndsByItself(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	p.shows(rssType, rss(posts(1, 10)...))
	p.visit()
	p.shows(rssType, rss(change(posts(1, 10), func(e *entry) { e.id += "x" })...))
	if f := p.visit(); f.Held == "" {
		t.Fatalf("%+v", f)
	}
	p.shows(rssType, rss(posts(1, 11)...))
	if f := p.visit(); f.Held != "" || f.Emitted != "Post 11" {
		t.Fatalf("%+v", f)
	}
}

// More than was ever there, or what is older than the last visit, is held; a busy day
// is not.
func TestFloods(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	p.shows(rssType, rss(posts(300, 10)...))
	p.visit()
	old := change(posts(1, 40), func(e *entry) { e.text = "An old text. " + e.title })
	p.shows(rssType, rss(append(posts(300, 10), old...)...))
	if f := p.visit(); f.Held != "40 articles are new at once, more than it ever showed (10); they are neither published nor sent until you accept it" || f.Emitted != "" {
		t.Fatalf("%+v", f)
	}
	p.accepted = true
	if f := p.visit(); f.Held != "" || len(p.stored) != 50 {
		t.Fatalf("%+v, %d articles", f, len(p.stored))
	}
	for k, a := range p.stored {
		if isOld := strings.HasPrefix(a.Body, "An old"); isOld != a.Backlog {
			t.Errorf("%s: backlog %t", k, a.Backlog)
		}
	}

	// Of a flood without dates, too, nothing is let go by itself.
	undated := start(t, "/feed")
	undated.shows(rssType, rss(posts(300, 10)...))
	undated.visit()
	undated.shows(rssType, rss(append(posts(300, 10), change(posts(1, 40), func(e *entry) { e.date = "" })...)...))
	for range 3 {
		if f := undated.visit(); f.Held == "" || len(undated.stored) != 10 {
			t.Fatalf("%+v, %d articles", f, len(undated.stored))
		}
	}

	late := start(t, "/feed")
	late.shows(rssType, rss(posts(500, 8)...))
	late.visit()
	late.shows(rssType, rss(change(posts(500, 8), func(e *entry) {
		*e = entry{id: "x" + e.id, link: e.link + "x", title: "X" + e.title, text: "X" + e.text, date: e.date}
	})...))
	if f := late.visit(); !strings.HasPrefix(f.Held, "8 of 8 articles are new, but dated before the last visit") {
		t.Errorf("%+v", f)
	}

	busy := start(t, "/feed")
	busy.shows(rssType, rss(posts(560, 30)...))
	busy.visit()
	busy.now = busy.now.Add(72 * time.Hour)
	busy.shows(rssType, rss(posts(590, 30)...))
	if f := busy.visit(); f.Held != "" || len(busy.stored) != 60 {
		t.Errorf("%+v, %d articles", f, len(busy.stored))
	}
}

// What leaves the window stays, and is known when it comes back.
func TestWindow(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	for from := 1; from < 100; from += 3 {
		p.shows(rssType, rss(posts(from, 10)...))
		if f := p.visit(); f.Held != "" || f.Vanished != nil || f.Error != "" {
			t.Fatalf("from %d: %+v", from, f)
		}
	}
	if n := len(p.stored); n != 106 {
		t.Errorf("%d articles, want 106", n)
	}
	p.shows(rssType, rss(append(posts(97, 10), posts(5, 2)...)...))
	if f := p.visit(); f.Emitted != "" {
		t.Errorf("two that were there before: %+v", f)
	}
}

// Of an item whose id others had, the link is the id; and numbers on a list are no
// ids.
func TestIDsThatTellNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	same := change(posts(1, 3), func(e *entry) { e.id = "feed" })
	p.shows(rssType, rss(same[2:]...))
	p.visit()
	p.shows(rssType, rss(same...))
	p.visit()
	p.shows(rssType, rss(same[:1]...))
	p.visit()
	if p.keys() != "feed https://quay.example/2 https://quay.example/3" || p.stored["feed"].Title != "Post 1" {
		t.Errorf("keys %s, %s", p.keys(), p.stored["feed"].Title)
	}

	numbered := start(t, "/feed")
	for from := 1; from < 6; from++ {
		list := posts(from, 5)
		for i := range list {
			list[i].id = fmt.Sprint(i + 1)
		}
		numbered.shows(rssType, rss(list...))
		if f := numbered.visit(); f.Held != "" || from > 1 && f.Emitted != fmt.Sprintf("Post %d", from+4) {
			t.Errorf("from %d: %+v", from, f)
		}
	}
	if n := len(numbered.stored); n != 9 {
		t.Errorf("%d articles, want 9", n)
	}
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed", func(_ *place, o *remote.Options) { o.Backlog = 2 })
	list := posts(1, 5)
	slices.Reverse(list) // some show the oldest first
	p.shows(rssType, rss(list...))
	p.visit()
	p.shows(rssType, rss(posts(1, 6)...))
	p.visit()
	for i := 1; i <= 6; i++ {
		if a := p.stored[fmt.Sprintf("id-%d", i)]; a.Backlog != (i <= 3) {
			t.Errorf("post %d: backlog %t", i, a.Backlog)
		}
	}
}

func TestTombstone(t *testing.T) {
	t.Parallel()
	p := start(t, "/atom")
	atom := func(head string, ids ...string) string {
		text := `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>` + head
		for _, id := range ids {
			text += `<entry><id>` + id + `</id><title>` + id + `</title><updated>2026-11-20T08:00:00Z</updated></entry>`
		}
		return text + `</feed>`
	}
	p.shows("application/atom+xml", atom("", "a", "b", "c"))
	p.visit()
	p.shows("application/atom+xml", atom(`<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="b" when="2026-11-24T08:00:00Z"/>`, "a", "c"))
	if f := p.visit(); !slices.Equal(f.Vanished, []string{"b"}) {
		t.Fatalf("%+v", f)
	}
	if f := p.visit(); len(f.Vanished) > 0 {
		t.Fatalf("once more: %+v", f)
	}
}

// What the operator says of a source changes all of its articles, and makes no new ones.
func TestOptionsChange(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	p.shows(rssType, rss(posts(1, 3)...))
	p.visit()
	p.source = remote.New(remote.Options{
		Name: "quay", Tags: []string{"syndicated"}, Author: "The quay", Language: "fr", Now: func() time.Time { return p.now },
	}, feed.NewReader(feed.Options{URL: p.server.URL + "/feed", Client: p.client}))
	if f := p.list(source.WhenDue); f.Emitted != "Post 3, Post 2, Post 1" || len(p.stored) != 3 {
		t.Fatalf("%+v", f)
	}
	a := p.stored["id-1"]
	if !slices.Equal(a.Tags, []string{"syndicated"}) || a.Language != "fr" || !slices.Equal(a.Authors, []newsletter.Author{{Name: "The quay"}}) {
		t.Errorf("%+v", a)
	}
}
