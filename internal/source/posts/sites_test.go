package posts_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"syndicate/internal/test/visits"
)

// TestWordPressRoutes: the API is found wherever it is, and asked there from then on.
func TestWordPressRoutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		given, place, front string
		plain               bool   // addresses are not rewritten
		want                string // with what every later request begins
	}{
		{given: "", want: "/wp-json/wp/v2/posts?"},
		{given: "", plain: true, want: "/?"},
		{given: "/?rest_route=/", plain: true, want: "/?"},
		{given: "?rest_route=/wp/v2/posts", plain: true, want: "/?"},
		{given: "/wp-json", want: "/wp-json/wp/v2/posts?"},
		{given: "/wp-json/wp/v2/posts?per_page=3#top", want: "/wp-json/wp/v2/posts?"},
		{given: "/index.php?rest_route=/", front: "/index.php", plain: true, want: "/index.php?"},
		{given: "/blog", place: "/blog", want: "/blog/wp-json/wp/v2/posts?"},
		{given: "/blog/", place: "/blog", plain: true, want: "/blog/?"},
		{given: "/blog/?rest_route=/wp/v2", place: "/blog", plain: true, want: "/blog/?"},
		{given: "/blog/wp-json/", place: "/blog", want: "/blog/wp-json/wp/v2/posts?"},
		{given: "/a%20b/?lang=en", place: "/a b", want: "/a%20b/wp-json/wp/v2/posts?"},
	} {
		w := newWordPress(t, 3)
		w.place, w.front, w.plain = c.place, c.front, c.plain
		v := w.visitor(t, w.server.URL+c.given)
		if f := v.Visit(); f.Error != "" || len(v.Stored) != 3 {
			t.Errorf("%q: %+v", c.given, f)
		}
		w.requests()
		v.Visit()
		asked := w.requests()
		for _, r := range asked {
			if !strings.HasPrefix(r, c.want) || c.plain != strings.Contains(r, "rest_route=%2Fwp%2Fv2%2Fposts") {
				t.Errorf("%q: asked again for %s", c.given, r)
			}
		}
		if len(asked) != 2 {
			t.Errorf("%q: asked again for %q", c.given, asked)
		}
	}
	none := newWordPress(t, 0)
	none.server.Config.Handler = http.NotFoundHandler()
	if f := none.visitor(t, none.server.URL).Visit(); f.Error != "no API of WordPress is there: it answers 404 Not Found" || f.Passing {
		t.Errorf("%+v", f)
	}
}

// TestWordPressMoves: a site whose addresses are rewritten from some day on is found
// again.
func TestWordPressMoves(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 3)
	w.plain = true
	v := w.visitor(t, w.server.URL)
	v.Visit()
	w.change(func(w *wpSite) { w.plain, w.front = false, "/nowhere" })
	w.requests()
	for range 2 {
		if f := v.Visit(); f != (visits.Found{}) {
			t.Errorf("%+v", f)
		}
	}
	asked := w.requests()
	if n := len(slices.DeleteFunc(slices.Clone(asked), func(r string) bool { return strings.HasPrefix(r, "/wp-json/") })); n != 1 {
		t.Errorf("asked in vain %d times: %q", n, asked)
	}
}

// TestWordPressOld: WordPress before 5.7 gives all posts, those that changed last first.
func TestWordPressOld(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 120)
	w.old = true
	v := w.visitor(t, w.server.URL)
	v.Visit()
	w.requests()
	w.change(func(w *wpSite) { w.find(1).title, w.find(1).modified = "Post 1 again", v.Time })
	if f := v.Visit(); f.Emitted != "Post 1 again" || len(w.requests()) != 2 {
		t.Errorf("%+v", f)
	}
}

// TestWordPressHeaders: the number of pages follows from that of posts; without that
// nobody knows which posts are gone, so nothing is believed.
func TestWordPressHeaders(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 100) // two full pages
	w.lacks = "X-WP-TotalPages"
	v := w.visitor(t, w.server.URL)
	if f := v.Visit(); f.Error != "" || len(v.Stored) != 100 {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests for two pages", n)
	}
	w.change(func(w *wpSite) { w.remove(7) })
	if f := v.Visit(); f.Gone != "7" {
		t.Errorf("%+v", f)
	}
	w.change(func(w *wpSite) { w.remove(8); w.lacks = "X-WP-Total" })
	const want = "it does not say how many posts there are"
	if f := v.Visit(); !strings.Contains(f.Error, want) || f.Gone != "" || len(v.Stored) != 99 {
		t.Errorf("%+v", f)
	}
	if f := w.visitor(t, w.server.URL).Visit(); !strings.Contains(f.Error, want) || f.Passing {
		t.Errorf("at first: %+v", f)
	}
}

// TestWordPressIDs: ids in quotes are the same ids; a post without one is an error.
func TestWordPressIDs(t *testing.T) {
	t.Parallel()
	w := newWordPress(t, 12)
	w.quote = true
	v := w.visitor(t, w.server.URL)
	if f := v.Visit(); f.Error != "" || len(v.Stored) != 12 || v.Stored["12"].Title != "Post 12" {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	w.change(func(w *wpSite) { w.quote = false })
	if f := v.Visit(); f != (visits.Found{}) {
		t.Errorf("without quotes: %+v", f)
	}
	w.change(func(w *wpSite) { w.posts = append(w.posts, wpPost{title: "No id", date: v.Time, modified: v.Time}) })
	if f := v.Visit(); f.Error != "it has a post without an id" || f.Gone != "" || len(v.Stored) != 12 {
		t.Errorf("%+v", f)
	}
}
