package posts_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source/posts"
	"syndicate/internal/source/remote"
	"syndicate/internal/test/visits"
)

// wpPost is a post of the fake.
type wpPost struct {
	id              int
	title, text     string
	excerpt         string
	date, modified  time.Time
	password, draft bool
	embedded        string // JSON
}

// wpSite answers as the REST API of WordPress does (WP_REST_Posts_Controller).
type wpSite struct {
	server *httptest.Server

	mu    sync.Mutex
	posts []wpPost
	place string                // the folder in which it is, such as /blog
	front string                // what answers where addresses are not rewritten, such as /index.php; empty: /
	plain bool                  // addresses are not rewritten: /wp-json/ is not there
	old   bool                  // does not know modified_after (WordPress before 5.7)
	limit int                   // requests until it answers 429
	gone  bool                  // it answers 410
	quote bool                  // ids are in quotes
	lacks string                // a header that a proxy takes away
	then  func(url.Values) bool // what happens before a request is answered; true: it is refused
	asked []string
}

func newWordPress(t *testing.T, n int) *wpSite {
	t.Helper()
	w := &wpSite{limit: 1 << 30}
	for i := 1; i <= n; i++ {
		w.posts = append(w.posts, wpNumbered(i))
	}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func wpNumbered(i int) wpPost {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
	return wpPost{id: i, title: fmt.Sprintf("Post %d", i), text: fmt.Sprintf("<p>Text number %d.</p>", i), date: at, modified: at}
}

// change makes changes while nobody asks.
func (w *wpSite) change(do func(*wpSite)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(w)
}

func (w *wpSite) requests() (asked []string) {
	w.change(func(w *wpSite) { asked, w.asked = w.asked, nil })
	return asked
}

func (w *wpSite) find(id int) *wpPost {
	return &w.posts[slices.IndexFunc(w.posts, func(p wpPost) bool { return p.id == id })]
}

func (w *wpSite) remove(ids ...int) {
	w.posts = slices.DeleteFunc(w.posts, func(p wpPost) bool { return slices.Contains(ids, p.id) })
}

// ServeHTTP implements http.Handler.
func (w *wpSite) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := r.URL.Query()
	w.asked = append(w.asked, r.URL.String())
	if w.limit--; w.limit < 0 {
		rw.Header().Set("Retry-After", "7200")
		rw.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if w.gone {
		rw.WriteHeader(http.StatusGone)
		return
	}
	if w.then != nil && w.then(q) {
		wpError(rw, "blocked")
		return
	}
	path, inside := strings.CutPrefix(r.URL.Path, w.place)
	route := q.Get("rest_route")
	if rest, ok := strings.CutPrefix(path, "/wp-json"); ok && !w.plain {
		route = rest
	} else if !inside || path != cmp.Or(w.front, "/") {
		route = ""
	}
	if route != "/wp/v2/posts" {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusNotFound)
		fmt.Fprint(rw, "<!doctype html><title>Page not found</title>")
		return
	}
	size, page := number(q.Get("per_page"), 10), number(q.Get("page"), 1)
	if size < 1 || size > 100 {
		wpError(rw, "rest_invalid_param")
		return
	}
	list := w.query(q.Get("orderby"), q.Get("include"), q.Get("modified_after"))
	pages := (len(list) + size - 1) / size
	if page > 1 && page > pages {
		wpError(rw, "rest_post_invalid_page_number")
		return
	}
	var out []json.RawMessage
	for _, p := range list[min(len(list), (page-1)*size):min(len(list), page*size)] {
		out = append(out, p.json(w, q.Get("_fields") == "id", q.Has("_embed")))
	}
	body, err := json.Marshal(append([]json.RawMessage{}, out...))
	if err != nil {
		panic(err)
	}
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(append(body, strconv.Itoa(len(list))...)))
	rw.Header().Set("ETag", tag)
	rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	rw.Header().Set("X-WP-Total", strconv.Itoa(len(list)))
	rw.Header().Set("X-WP-TotalPages", strconv.Itoa(pages))
	rw.Header().Del(w.lacks)
	if r.Header.Get("If-None-Match") == tag {
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	rw.Write(body)
}

func (w *wpSite) query(orderby, include, after string) []*wpPost {
	var list []*wpPost
	since, err := time.Parse(time.RFC3339, after)
	if after != "" && err != nil {
		panic(err)
	}
	for i := range w.posts {
		p := &w.posts[i]
		if p.draft || include != "" && !slices.Contains(strings.Split(include, ","), strconv.Itoa(p.id)) ||
			after != "" && !w.old && !p.modified.After(since) {
			continue
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b *wpPost) int {
		switch orderby {
		case "modified":
			return b.modified.Compare(a.modified)
		case "id":
			return cmp.Compare(b.id, a.id)
		}
		return cmp.Or(b.date.Compare(a.date), cmp.Compare(b.id, a.id))
	})
	return list
}

func wpError(rw http.ResponseWriter, code string) {
	rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	rw.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(rw, `{"code":%q,"message":"…","data":{"status":400}}`, code)
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}

func (p *wpPost) json(w *wpSite, idOnly, embed bool) json.RawMessage {
	m := map[string]any{"id": p.id}
	if w.quote {
		m["id"] = strconv.Itoa(p.id)
	}
	if !idOnly {
		const layout = "2006-01-02T15:04:05"
		m["type"] = "post"
		m["date_gmt"], m["modified_gmt"] = p.date.Format(layout), p.modified.Format(layout)
		m["link"] = fmt.Sprintf("%s%s/%d/", w.server.URL, w.place, p.id)
		m["title"] = map[string]any{"rendered": p.title}
		m["content"] = map[string]any{"rendered": p.text, "protected": p.password}
		m["excerpt"] = map[string]any{"rendered": p.excerpt, "protected": p.password}
		if p.password {
			m["content"] = map[string]any{"rendered": "", "protected": true}
		}
		if embed && p.embedded != "" {
			m["_embedded"] = json.RawMessage(p.embedded)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// visitor reads the site.
func (w *wpSite) visitor(t *testing.T, address string) *visits.Visitor {
	t.Helper()
	v := visits.New(t)
	client := fetch.New(fetch.Options{Private: []string{"127.0.0.1"}, Now: v.Now})
	v.Source = remote.New(remote.Options{Name: "blog", Backlog: 3, Limit: posts.MaxPosts, Language: "en", Now: v.Now},
		posts.NewWordPress(posts.Options{URL: address, Client: client, Now: v.Now}))
	return v
}
