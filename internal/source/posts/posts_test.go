package posts_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/test/visits"
)

func TestWordPressPost(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 0)
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	w.posts = []wpPost{{
		id: 7, title: "Tar &amp; oakum: a caulker&#8217;s day", excerpt: "<p>A <em>sticky</em> trade.</p>\n", date: at, modified: at.Add(time.Hour),
		text: `<p>It is <a href="/sticky" onclick="x()">sticky</a>.</p><script>alert(1)</script><figure><img src="tar.jpg" alt="Tar"></figure>`,
		embedded: `{"author":[{"id":1,"name":"Ines Falk","link":"https://blog.example/author/ines/"},{"code":"rest_user_invalid_id","message":"Invalid user ID.","data":{"status":404}}],
			"wp:featuredmedia":[{"media_type":"image","source_url":"https://blog.example/boat.jpg","alt_text":"A boat","mime_type":"image/jpeg","media_details":{"width":800,"height":600,"filesize":12345}}],
			"wp:term":[[{"name":"Uncategorized","slug":"uncategorized","taxonomy":"category"},{"name":"R&amp;D","slug":"r-d","taxonomy":"category"}],[{"name":"Sea","slug":"sea","taxonomy":"post_tag"}],[{"name":"Aside","slug":"aside","taxonomy":"post_format"}]]}`,
	}, {
		id: 8, title: "No media", excerpt: "<p>The first words of it [&hellip;]</p>", text: "<p>The first words of it, and more.</p>", date: at, modified: at,
		embedded: `{"wp:featuredmedia":[{"code":"rest_forbidden","message":"Sorry.","data":{"status":401}}]}`,
	}, {id: 9, title: "Secret", text: "<p>Hidden</p>", date: at, modified: at, password: true}}
	v := w.visitor(t, w.server.URL+"/")
	if f := v.Visit(); f.Error != "" || f.Problems != "" || f.Emitted != "No media, Tar & oakum: a caulker’s day" {
		t.Fatalf("%+v", f)
	}
	want := newsletter.Article{
		Source: "blog", Key: "7", Slug: "tar-oakum-a-caulker-s-day", Permalink: w.server.URL + "/7/", Title: "Tar & oakum: a caulker’s day",
		Summary: "A sticky trade.", Language: "en", Authors: []newsletter.Author{{Name: "Ines Falk", URL: "https://blog.example/author/ines/"}},
		Tags:      []string{"R&D", "Sea"},
		Image:     &newsletter.Image{URL: "https://blog.example/boat.jpg", Alt: "A boat", Type: "image/jpeg", Width: 800, Height: 600, Size: 12345},
		Published: at, Updated: at.Add(time.Hour), Format: newsletter.HTML,
		Body: `<p>It is <a href="` + w.server.URL + `/sticky">sticky</a>.</p><figure><img src="` + w.server.URL + `/7/tar.jpg" alt="Tar"/></figure>`,
	}
	if diff := cmp.Diff(want, v.Stored["7"]); diff != "" {
		t.Errorf("article (-want +got):\n%s", diff)
	}
	if got := v.Stored["8"].Summary; got != "The first words of it, and more." {
		t.Errorf("summary %q", got)
	}
	// A password takes a post away, and brings it back when it goes.
	w.change(func(w *wpSite) {
		w.find(8).password, w.find(8).modified = true, at.Add(2*time.Hour)
		w.find(9).password, w.find(9).modified = false, at.Add(2*time.Hour)
	})
	if f := v.Visit(); f.Gone != "8" || f.Emitted != "Secret" {
		t.Errorf("%+v", f)
	}
}

// TestWordPressChanges: what changed is asked for by what is known, and nothing more.
func TestWordPressChanges(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 130)
	v := w.visitor(t, w.server.URL)
	if f := v.Visit(); f.Error != "" || len(v.Stored) != 130 {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	if n := len(w.requests()); n != 3 {
		t.Errorf("%d requests for three pages", n)
	}
	news := 0
	for _, a := range v.Stored {
		if !a.Backlog {
			news++
		}
	}
	if news != 3 || v.Stored["130"].Backlog {
		t.Errorf("%d are news", news)
	}
	quiet := func() {
		t.Helper()
		if f := v.Visit(); f != (visits.Found{}) {
			t.Errorf("nothing happened: %+v", f)
		}
		if asked := w.requests(); len(asked) != 2 {
			t.Errorf("asked for %s", strings.Join(asked, "\n"))
		}
	}
	quiet()
	quiet()
	now := v.Time
	w.change(func(w *wpSite) {
		w.find(5).title, w.find(5).modified = "Post 5, corrected", now
		w.posts = append(w.posts, wpPost{id: 131, title: "Post 131", text: "<p>New.</p>", date: now, modified: now})
	})
	if f := v.Visit(); f.Emitted != "Post 131, Post 5, corrected" && f.Emitted != "Post 5, corrected, Post 131" {
		t.Errorf("%+v", f)
	}
	w.requests()
	// Written at the same moment, and committed after the last visit.
	w.change(func(w *wpSite) {
		w.posts = append(w.posts, wpPost{id: 132, title: "Late", text: "<p>Late.</p>", date: now, modified: now})
	})
	if f := v.Visit(); f.Emitted != "Late" {
		t.Errorf("%+v", f)
	}
	// It was scheduled long ago: it comes out without being changed.
	w.change(func(w *wpSite) {
		w.posts = append(w.posts, wpPost{id: 133, title: "Scheduled", text: "<p>Long ago.</p>", date: v.Time, modified: now.Add(-240 * time.Hour)})
	})
	if f := v.Visit(); f.Emitted != "Scheduled" || f.Held != "" {
		t.Errorf("%+v", f)
	}
	// The same, while another goes: their number is what it was.
	w.change(func(w *wpSite) {
		w.remove(1)
		w.posts = append(w.posts, wpPost{id: 135, title: "In its place", text: "<p>Long ago too.</p>", date: v.Time, modified: now.Add(-240 * time.Hour)})
	})
	if f := v.Visit(); f.Emitted != "In its place" || f.Gone != "1" {
		t.Errorf("%+v", f)
	}
	// One is gone, and one that nobody knew comes, dated long ago.
	w.change(func(w *wpSite) {
		w.remove(2)
		w.posts = append(w.posts, wpPost{id: 134, title: "Dated back", text: "<p>A text of its own.</p>", date: now.Add(-2400 * time.Hour), modified: v.Time})
	})
	if f := v.Visit(); f.Emitted != "Dated back" || f.Gone != "2" {
		t.Errorf("%+v", f)
	}
	w.change(func(w *wpSite) { w.remove(3) })
	if f := v.Visit(); f.Gone != "3" || len(v.Stored) != 132 {
		t.Errorf("%+v, %d articles", f, len(v.Stored))
	}
	// A day later all ids are listed.
	w.requests()
	v.Time = v.Time.Add(24 * time.Hour)
	if f := v.Visit(); f != (visits.Found{}) || len(w.requests()) != 4 {
		t.Errorf("%+v", f)
	}
}

// TestWordPressTwins: a post that reads like another is an article of its own as long as
// that one is there, and the same article once it is not.
func TestWordPressTwins(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 12)
	text := "<p>A text that stands in two posts of the site, and is long enough to know either of them by it alone.</p>"
	other := "<p>A text that stands in one post only, which is deleted and made anew, with another id and another title.</p>"
	w.find(3).text, w.find(6).text = text, other
	v := w.visitor(t, w.server.URL)
	v.Visit()
	w.change(func(w *wpSite) {
		w.remove(5) // so that all ids are listed
		w.posts = append(w.posts, wpPost{id: 13, title: "Twin", text: text, date: v.Time, modified: v.Time})
	})
	if f := v.Visit(); f.Emitted != "Twin" || f.Gone != "5" || v.Stored["13"].Title != "Twin" || v.Stored["3"].Title != "Post 3" {
		t.Errorf("%+v", f)
	}
	w.change(func(w *wpSite) {
		w.remove(6)
		w.posts = append(w.posts, wpPost{id: 14, title: "Made anew", text: other, date: v.Time, modified: v.Time})
	})
	if f := v.Visit(); f.Gone != "" || v.Stored["6"].Title != "Made anew" {
		t.Errorf("%+v", f)
	}
}

// TestWordPressVanishing: what is gone is unpublished, much at once is held, and what
// fails takes nothing away.
func TestWordPressVanishing(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 20)
	v := w.visitor(t, w.server.URL)
	v.Visit()
	w.change(func(w *wpSite) { w.remove(4, 11) })
	if f := v.Visit(); f.Gone != "11, 4" || len(v.Stored) != 18 {
		t.Errorf("%+v", f)
	}
	saved := w.posts
	w.change(func(w *wpSite) { w.posts = nil })
	if f := v.Visit(); f.Gone != "" || strings.Count(f.Kept, ",") != 17 {
		t.Errorf("everything is gone: %+v", f)
	}
	w.change(func(w *wpSite) { w.posts = saved })
	if f := v.Visit(); f.Gone != "" || f.Kept != "" || f.Emitted != "" {
		t.Errorf("everything is back: %+v", f)
	}
	w.change(func(w *wpSite) { w.remove(1, 2, 3, 5, 6, 7) })
	if f := v.Visit(); f.Kept != "1, 2, 3, 5, 6, 7" {
		t.Errorf("%+v", f)
	}
	v.Accepted = true
	if f := v.Visit(); f.Gone != "1, 2, 3, 5, 6, 7" || len(v.Stored) != 12 {
		t.Errorf("accepted: %+v", f)
	}
	for _, fails := range []func(*wpSite){func(w *wpSite) { w.limit = 0 }, func(w *wpSite) { w.plain, w.limit = true, 1 }} {
		w.change(fails)
		v.Time = v.Time.Add(48 * time.Hour)
		if f := v.Visit(); f.Error == "" || f.Gone != "" || len(v.Stored) != 12 {
			t.Errorf("%+v", f)
		}
	}
}

// TestWordPressFlood: old posts that come all at once are held, visit after visit, also
// when more comes beside them, and are no news when they are accepted.
func TestWordPressFlood(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 200)
	v := w.visitor(t, w.server.URL)
	v.Visit()
	import50 := func(w *wpSite) {
		for i := 201; i <= 250; i++ {
			w.posts = append(w.posts, wpPost{id: i, title: "Imported", text: "<p>Old.</p>", date: time.Date(2020, 1, 1, 0, 0, i, 0, time.UTC), modified: v.Time})
		}
	}
	w.change(import50)
	for range 3 {
		if f := v.Visit(); !strings.HasPrefix(f.Held, "50 of 50 articles that are new are dated before the last visit") || len(v.Stored) != 200 {
			t.Fatalf("%+v, %d articles", f, len(v.Stored))
		}
	}
	w.change(func(w *wpSite) {
		for i := 251; i <= 310; i++ {
			w.posts = append(w.posts, wpPost{id: i, title: "News", text: "<p>New.</p>", date: v.Time, modified: v.Time})
		}
	})
	if f := v.Visit(); f.Held == "" || len(v.Stored) != 200 {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	v.Accepted = true
	if f := v.Visit(); f.Held != "" || len(v.Stored) != 310 {
		t.Errorf("accepted: %+v, %d articles", f, len(v.Stored))
	}
	if !v.Stored["201"].Backlog || v.Stored["310"].Backlog {
		t.Error("what is old is news, or what is new is not")
	}
}

// TestWordPressMoving: posts that go between two pages take no other with them, and a page
// that is refused is not the end.
func TestWordPressMoving(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 230)
	v := w.visitor(t, w.server.URL)
	goes := func(page string, ids ...int) {
		w.change(func(w *wpSite) {
			w.then = func(q url.Values) bool {
				if q.Get("page") == page && !q.Has("modified_after") {
					w.remove(ids...)
					w.then = nil
				}
				return false
			}
		})
	}
	goes("2", 230) // while everything is read
	if f := v.Visit(); f.Error != "" || v.Stored["180"].Title != "Post 180" {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	v.Time = v.Time.Add(24 * time.Hour)
	goes("2", 229) // while all ids are listed
	if f := v.Visit(); f.Error != "" || strings.Contains(f.Gone, "12") || f.Kept != "" || v.Stored["128"].Title != "Post 128" {
		t.Errorf("%+v, %d articles", f, len(v.Stored))
	}
	w.change(func(w *wpSite) {
		for i := 1; i <= 60; i++ {
			w.find(i).title, w.find(i).modified = "Again", v.Time
		}
		w.then = func(q url.Values) bool { return q.Get("page") != "1" }
	})
	n := len(v.Stored)
	for range 2 {
		v.Time = v.Time.Add(24 * time.Hour)
		if f := v.Visit(); !strings.HasPrefix(f.Error, "its posts came and went") || len(v.Stored) != n {
			t.Errorf("%+v, %d articles", f, len(v.Stored))
		}
	}
	w.change(func(w *wpSite) { w.then = nil })
	v.Time = v.Time.Add(24 * time.Hour)
	if f := v.Visit(); f.Error != "" || strings.Count(f.Emitted, "Again") != 60 || len(v.Stored) != len(w.posts) {
		t.Errorf("%+v, %d articles", f, len(v.Stored))
	}
}

// TestWordPressMoved: a site that was set up anew, with other ids, is held, and known
// again when that is accepted.
func TestWordPressMoved(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 12)
	for i := range w.posts {
		w.posts[i].text = "<p>Text of its own, number " + strconv.Itoa(i) + ", which is long enough to know the post by it, whatever else becomes of it.</p>"
	}
	v := w.visitor(t, w.server.URL)
	v.Visit()
	before := v.Titles()
	w.change(func(w *wpSite) {
		for i := range w.posts {
			w.posts[i].id += 1000
			w.posts[i].modified = v.Time
		}
	})
	for range 2 {
		if f := v.Visit(); !strings.HasPrefix(f.Held, "12 of 12 articles have other ids") || f.Gone != "" || f.Kept != "" {
			t.Errorf("%+v", f)
		}
	}
	v.Accepted = true
	if f := v.Visit(); f.Held != "" || f.Gone != "" || v.Titles() != before || len(v.Stored) != 12 {
		t.Errorf("accepted: %+v\n%s", f, v.Titles())
	}
	if _, there := v.Stored["1005"]; there {
		t.Error("it is another article now")
	}
}

// TestPressedHard: a site that wants to be left alone is, for as long as it says.
func TestPressedHard(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 3)
	v := w.visitor(t, w.server.URL)
	v.Visit()
	w.change(func(w *wpSite) { w.limit = 0 })
	if f := v.Visit(); f.Error != "it answers 429 Too Many Requests" || !f.Passing {
		t.Errorf("%+v", f)
	}
	w.requests()
	w.change(func(w *wpSite) { w.limit = 1 << 30 })
	if f := v.Visit(); !f.Passing || len(w.requests()) != 0 {
		t.Errorf("within two hours: %+v", f)
	}
	if f := v.List(source.Told); f.Error == "" || len(w.requests()) != 0 {
		t.Errorf("told: %+v", f)
	}
	v.Time = v.Time.Add(2 * time.Hour)
	if f := v.Visit(); f.Error != "" {
		t.Errorf("later: %+v", f)
	}
	// What is said to be gone for good does not come back by itself.
	w.change(func(w *wpSite) { w.gone = true })
	if f := v.Visit(); f.Error != "it answers 410 Gone" || f.Passing {
		t.Errorf("gone: %+v", f)
	}
	w.change(func(w *wpSite) { w.gone = false })
	v.Time = v.Time.Add(48 * time.Hour)
	if f := v.Visit(); f.Error != "" {
		t.Errorf("back: %+v", f)
	}
	// What fails for more than a day does not either.
	w.change(func(w *wpSite) { w.limit = 0 })
	v.Visit()
	v.Time = v.Time.Add(25 * time.Hour)
	if f := v.Visit(); f.Error == "" || f.Passing {
		t.Errorf("a day later: %+v", f)
	}
}
