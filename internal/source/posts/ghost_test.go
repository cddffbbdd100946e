package posts_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/fetch"
	"syndicate/internal/newsletter"
	"syndicate/internal/source/posts"
	"syndicate/internal/source/remote"
	"syndicate/internal/test/visits"
)

// ghostSite answers as Ghost's Content API does.
type ghostSite struct {
	server *httptest.Server

	mu    sync.Mutex
	posts []map[string]any
	asked []string
	bare  bool // its answers have no pagination
}

const ghostKey = "22444f78447824223cefc48062"

func newGhost(t *testing.T, n int) *ghostSite {
	t.Helper()
	g := &ghostSite{}
	for i := 1; i <= n; i++ {
		g.posts = append(g.posts, ghostNumbered(i))
	}
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	return g
}

const ghostTime = "2006-01-02T15:04:05.000-07:00"

func ghostNumbered(i int) map[string]any {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour).Format(ghostTime)
	return map[string]any{
		"id": fmt.Sprintf("5ddc90ad%016x", i), "title": fmt.Sprintf("Post %d", i), "html": fmt.Sprintf("<p>Text number %d.</p>", i), "visibility": "public",
		"published_at": at, "updated_at": at, "url": fmt.Sprintf("https://ghost.example/%d/", i), "custom_excerpt": nil, "feature_image": nil,
	}
}

func (g *ghostSite) change(do func(*ghostSite)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do(g)
}

// ServeHTTP implements http.Handler.
func (g *ghostSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := r.URL.Query()
	g.asked = append(g.asked, q.Get("filter"))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.URL.Path != "/ghost/api/content/posts/" || r.Header.Get("Accept-Version") == "" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[{"message":"Resource not found","type":"NotFoundError"}]}`)
		return
	}
	if q.Get("key") != ghostKey {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"message":"Unknown Content API Key","type":"UnauthorizedError"}]}`)
		return
	}
	limit, page := number(q.Get("limit"), 15), number(q.Get("page"), 1)
	by := "published_at"
	if strings.HasPrefix(q.Get("order"), "updated_at") {
		by = "updated_at"
	}
	list := []map[string]any{}
	for _, p := range g.posts {
		if ghostFits(p, q.Get("filter")) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(b[by]), fmt.Sprint(a[by])) })
	total, pages := len(list), max(1, (len(list)+limit-1)/limit)
	list = list[min(total, (page-1)*limit):min(total, page*limit)]
	if q.Get("fields") == "id" {
		short := []map[string]any{}
		for _, p := range list {
			short = append(short, map[string]any{"id": p["id"]})
		}
		list = short
	}
	meta := map[string]any{"pagination": map[string]any{"page": page, "limit": limit, "pages": pages, "total": total, "next": nil, "prev": nil}}
	if g.bare {
		meta = nil
	}
	b, err := json.Marshal(map[string]any{"posts": list, "meta": meta})
	if err != nil {
		panic(err)
	}
	w.Write(b)
}

func ghostFits(p map[string]any, filter string) bool {
	if after, ok := strings.CutPrefix(filter, "updated_at:>='"); ok {
		since, err := time.Parse(time.DateTime, strings.TrimSuffix(after, "'"))
		if err != nil {
			panic(err)
		}
		at, err := time.Parse(ghostTime, fmt.Sprint(p["updated_at"]))
		return err == nil && !at.Before(since)
	}
	if ids, ok := strings.CutPrefix(filter, "id:["); ok { // Ghost's NQL: in quotes a backslash takes the next character as it is
		quoted := "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(fmt.Sprint(p["id"])) + "'"
		return slices.Contains(strings.Split(strings.TrimSuffix(ids, "]"), ","), quoted)
	}
	return filter == ""
}

func (g *ghostSite) visitor(t *testing.T, key string) *visits.Visitor {
	t.Helper()
	v := visits.New(t)
	client := fetch.New(fetch.Options{Private: []string{"127.0.0.1"}, Now: v.Now})
	v.Source = remote.New(remote.Options{Name: "ghost", Backlog: 3, Limit: posts.MaxPosts, Language: "en", Now: v.Now},
		posts.NewGhost(posts.Options{URL: g.server.URL, Key: key, Client: client, Now: v.Now}))
	return v
}

func TestGhostPost(t *testing.T) {
	t.Parallel()
	g := newGhost(t, 0)
	p := ghostNumbered(1)
	p["title"], p["html"] = "Boats <3 & more", `<p>Of <a href="/sea/">the sea</a>.</p><script>x()</script>`
	p["feature_image"], p["feature_image_alt"], p["feature_image_caption"] = "https://ghost.example/boat.jpg", "A boat", "<em>By</em> Jo"
	p["authors"] = []map[string]any{{"name": "Jo", "url": "https://ghost.example/author/jo/"}}
	p["tags"] = []map[string]any{{"name": "Sea", "visibility": "public"}, {"name": "#hidden", "visibility": "internal"}}
	p["custom_excerpt"] = "Small ones."
	members := ghostNumbered(2)
	members["visibility"], members["html"], members["excerpt"] = "members", "<p>For members.</p>", "What everybody may read."
	g.posts = []map[string]any{p, members}
	v := g.visitor(t, ghostKey)
	if f := v.Visit(); f.Error != "" || f.Problems != "" || len(v.Stored) != 2 {
		t.Fatalf("%+v", f)
	}
	at := time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC)
	want := newsletter.Article{
		Source: "ghost", Key: fmt.Sprint(p["id"]), Slug: "boats-3-more", Permalink: "https://ghost.example/1/", Title: "Boats <3 & more", Summary: "Small ones.",
		Language: "en", Authors: []newsletter.Author{{Name: "Jo", URL: "https://ghost.example/author/jo/"}}, Tags: []string{"Sea"},
		Image:     &newsletter.Image{URL: "https://ghost.example/boat.jpg", Alt: "A boat", Caption: "By Jo"},
		Published: at, Updated: at, Format: newsletter.HTML, Body: `<p>Of <a href="https://ghost.example/sea/">the sea</a>.</p>`,
	}
	if diff := cmp.Diff(want, v.Stored[want.Key]); diff != "" {
		t.Errorf("article (-want +got):\n%s", diff)
	}
	if a := v.Stored[fmt.Sprint(members["id"])]; a.Body != "What everybody may read." || a.Format != newsletter.PlainText {
		t.Errorf("for members: %+v", a)
	}
}

func TestGhostChanges(t *testing.T) {
	t.Parallel()
	g := newGhost(t, 120)
	v := g.visitor(t, ghostKey)
	if f := v.Visit(); f.Error != "" || len(v.Stored) != 120 {
		t.Fatalf("%+v, %d articles", f, len(v.Stored))
	}
	g.change(func(g *ghostSite) {
		g.posts[3]["title"], g.posts[3]["updated_at"] = "Post 4, corrected", v.Time.Format(ghostTime)
		g.posts = append(g.posts[:10], g.posts[11:]...)
		g.asked = nil
	})
	if f := v.Visit(); f.Emitted != "Post 4, corrected" || f.Gone != ghostNumbered(11)["id"] {
		t.Errorf("%+v", f)
	}
	if diff := cmp.Diff([]string{"updated_at:>='2026-11-05 22:00:00'", "", "", ""}, g.asked); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
	if f := v.Visit(); f != (visits.Found{}) {
		t.Errorf("nothing happened: %+v", f)
	}
}

// TestGhostKey: a wrong key is said, and no error shows one.
func TestGhostKey(t *testing.T) {
	t.Parallel()
	g := newGhost(t, 1)
	f := g.visitor(t, "wrong").Visit()
	if f.Error != "it does not know the key: it answers 401 Unauthorized; Settings, Integrations shows it as Content API key" || f.Passing {
		t.Errorf("%+v", f)
	}
	g.server.Close()
	if f := g.visitor(t, ghostKey).Visit(); !strings.Contains(f.Error, "nothing listens there") || strings.Contains(f.Error, ghostKey) {
		t.Errorf("%+v", f)
	}
}

// TestGhostWithoutPagination: whoever does not say how many posts there are is not
// believed to have no more than came.
func TestGhostWithoutPagination(t *testing.T) {
	t.Parallel()
	g := newGhost(t, 20)
	v := g.visitor(t, ghostKey)
	v.Visit()
	g.change(func(g *ghostSite) { g.posts, g.bare = g.posts[10:], true })
	const want = "it does not say how many posts there are"
	if f := v.Visit(); !strings.Contains(f.Error, want) || f.Gone != "" || f.Kept != "" || len(v.Stored) != 20 {
		t.Errorf("%+v, %d articles", f, len(v.Stored))
	}
	if f := g.visitor(t, ghostKey).Visit(); !strings.Contains(f.Error, want) || f.Passing {
		t.Errorf("at first: %+v", f)
	}
	g.change(func(g *ghostSite) { g.bare = false })
	v.Time = v.Time.Add(time.Hour)
	if f := v.Visit(); f.Error != "" || strings.Count(f.Kept, ",") != 9 {
		t.Errorf("%+v", f)
	}
}

// TestGhostIDs: an id is no part of a filter's language, and a post without one is an
// error.
func TestGhostIDs(t *testing.T) {
	t.Parallel()
	g := newGhost(t, 10)
	v := g.visitor(t, ghostKey)
	v.Visit()
	odd := ghostNumbered(11) // it came out without being changed
	odd["id"], odd["title"], odd["updated_at"] = `x'+id:-['`, "Odd", "2020-01-01T00:00:00.000+00:00"
	other := ghostNumbered(12)
	other["id"], other["title"], other["updated_at"] = `back\slash`, "Other", odd["updated_at"]
	g.change(func(g *ghostSite) { g.posts, g.asked = append(g.posts, odd, other), nil })
	if f := v.Visit(); f.Error != "" || len(v.Stored) != 12 || !strings.Contains(f.Emitted, "Odd") || !strings.Contains(f.Emitted, "Other") {
		t.Errorf("%+v, asked for %q", f, g.asked)
	}
	none := ghostNumbered(13)
	delete(none, "id")
	g.change(func(g *ghostSite) { g.posts = append(g.posts, none) })
	if f := v.Visit(); f.Error != "it has a post without an id" || f.Gone != "" || len(v.Stored) != 12 {
		t.Errorf("%+v", f)
	}
}
