package feed_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

func full(p *place, o *remote.Options) { o.Fill = feed.FullText(p.client) }

// page is that of an article, with much around it.
func page(title string) string {
	return `<!doctype html><html><head><meta charset="utf-8"><title>` + title + ` | The Quay</title></head><body>
	<nav><a href="/">Home</a> <a href="/about">About</a></nav><div class="sidebar"><p>Subscribe to our letter, dear reader, it costs nothing.</p></div>
	<article><h1>` + title + `</h1>` + strings.Repeat(`<p>The whole text of it, with <a href="/sea">a link</a>, commas, and a sentence or two that go on for a while, as sentences do.</p>`, 8) +
		`<p onclick="x()">The end.<script>alert(1)</script></p></article><footer>© The Quay</footer></body></html>`
}

func TestFullText(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed", full)
	broken := true
	local := func(list []entry) []entry {
		return change(list, func(e *entry) { e.link = strings.Replace(e.link, "https://quay.example", p.server.URL, 1) })
	}
	p.answers(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/feed":
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			fmt.Fprint(w, rss(local(posts(1, 4))...))
		case "/1":
			fmt.Fprint(w, page("Post 1"))
		case "/2":
			w.WriteHeader(http.StatusForbidden)
		case "/3":
			if broken {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, page("Post 3"))
		case "/4":
			fmt.Fprint(w, "<p>Sign in to read on.</p>")
		}
	})
	// The third waits for its page; the second and fourth stand as they are.
	if f := p.visit(); f.Emitted != "Post 4, Post 2, Post 1" || !strings.HasSuffix(f.Problems, "could not be had in full; what the source gives is taken") {
		t.Fatalf("%+v", f)
	}
	body := p.stored["id-1"].Body
	for _, want := range []string{"The whole text of it", `href="` + p.server.URL + `/sea"`, "The end."} {
		if !strings.Contains(body, want) {
			t.Errorf("the text lacks %q:\n%s", want, body)
		}
	}
	for _, no := range []string{"Subscribe", "About", "script", "onclick"} {
		if strings.Contains(body, no) {
			t.Errorf("the text has %q:\n%s", no, body)
		}
	}
	if !strings.Contains(p.stored["id-2"].Body, "This is post number 2") {
		t.Errorf("the second: %s", p.stored["id-2"].Body)
	}
	broken = false
	p.requests()
	if f := p.visit(); f.Emitted != "Post 3" || !strings.Contains(p.stored["id-3"].Body, "The whole text") {
		t.Fatalf("%+v", f)
	}
	if asked := p.requests(); len(asked) != 2 {
		t.Errorf("asked for %v, want the feed and the third", asked)
	}
	if f := p.visit(); f.Emitted != "" {
		t.Errorf("%+v", f)
	}
}

// A page that does not come at three visits is not waited for any more.
func TestFullTextGivenUp(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed", full)
	p.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/feed" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, rss(entry{id: "1", link: p.server.URL + "/1", title: "One", text: "Short."}))
	})
	for i := range 4 {
		want := ""
		if i == 2 {
			want = "One"
		}
		if f := p.visit(); f.Emitted != want {
			t.Fatalf("visit %d: %+v", i+1, f)
		}
	}
	if p.stored["1"].Body != "Short." {
		t.Errorf("%q", p.stored["1"].Body)
	}
}
