// Package web answers over HTTP: the pages that readers see, the feeds, the
// files that go with articles, and the pages behind the links in mail.
//
// The procedure: New reads the templates (the site's own, else the built-in
// ones), tries each of them on made-up data so that a mistake stops the start
// and not a reader, and lays out the routes. A request for a feed that is in memory
// is answered at once (feed.go). Any other passes the outer layers
// (guard.go: headers, body limit, recovery, log, counters), then its handler,
// one file each. Handlers return errors; errors.go turns them into pages. Pages
// are rendered into memory first, so that nobody sees half of one, and carry a
// validator for conditional requests.
//
// Links that are mailed show a button on GET and act on POST only, because mail
// scanners open every link. Nothing here sets a cookie or runs a script.
package web

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

// Options is what the handler works with.
type Options struct {
	Store       *store.Store
	Service     *jobs.Service
	Site        newsletter.Site
	Newsletters []newsletter.Newsletter // in the order in which they are shown
	FeedsDir    string                  // absolute: the built feeds, with files/ for what goes with articles
	Templates   fs.FS                   // the site's templates folder; may lack files, nil: the built-in ones only
	Builtin     fs.FS                   // templates shipped with the program, laid out the same: web/home.html, …
	WebURL      string                  // what links in mail begin with, without trailing slash; empty: Site.URL
	FeedMemory  int64                   // bytes of feeds that are held, in all codings; 0: 96 MB
	Version     string                  // of the program, for /metrics

	Hooks HookOptions    // of sending services that report
	Mail  *intake.Server // takes mail that comes back; nil: there is none

	// TrustedProxies are the networks whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix

	Log *slog.Logger
	Now func() time.Time
}

// server holds what handlers share. It does not change after New but for the
// caches and counters, which look after themselves.
type server struct {
	o       Options
	store   *store.Store
	site    newsletter.Site
	base    string // path under which the site lives, such as "/letter"; mostly empty
	root    string // the same, not escaped
	log     *slog.Logger
	now     func() time.Time
	views   *views
	feeds   atomic.Pointer[directory]
	listing sync.Mutex // held while a directory is made
	shelf   *shelf
	assets  map[string]*document // by name: site.css, favicon.svg
	wrong   *limiter             // of wrong tokens by client
	asked   *limiter             // of requests to the hub by client
	signing *limiter             // of sign-ups by client
	shown   map[shownForm]string // versions of the words of sign-up forms
	hammers hammers
	count   counters
	fed     feedCounters
	gauges  gaugeCache
	pages   sitemap // for search engines
	mux     *http.ServeMux
	certs   certificates // of Amazon
	proxied atomic.Bool  // one that is not trusted was told of
	guarded http.Handler // everything that takes no short way
}

// New returns the handler of the whole site. The error names the file and line
// of a template that is broken. Templates are tried as long as ctx lasts, and
// for ten seconds each at most.
func New(ctx context.Context, o Options) (http.Handler, error) {
	if o.Store == nil || o.Service == nil || o.Builtin == nil {
		return nil, errors.New("web: a store, a service and the built-in templates are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Site.Location == nil {
		o.Site.Location = time.UTC
	}
	if o.Site.ID == "" {
		o.Site.ID = o.Store.SiteID()
	}
	o.Site.URL = strings.TrimRight(o.Site.URL, "/")
	if o.WebURL = strings.TrimRight(o.WebURL, "/"); o.WebURL == "" {
		o.WebURL = o.Site.URL
	}
	s := &server{
		o: o, store: o.Store, site: o.Site, log: o.Log, now: o.Now,
		base:    pathOf(o.WebURL),
		shelf:   newShelf(o.FeedsDir, cmp.Or(o.FeedMemory, shelfSize), o.Now),
		wrong:   newLimiter(wrongTokens, wrongTokensPer),
		asked:   newLimiter(hubRequests, hubRequestsPer),
		signing: newLimiter(signUps, signUpsPer),
		hammers: hammers{level: map[hammer]time.Time{}},
	}
	if root, err := url.PathUnescape(s.base); err == nil {
		s.root = root
	}
	var err error
	if s.assets, err = readAssets(o.Templates, o.Builtin); err != nil {
		return nil, err
	}
	if s.views, err = readViews(o.Templates, o.Builtin); err != nil {
		return nil, err
	}
	if err = s.tryViews(ctx); err != nil {
		return nil, err
	}
	if err = s.keepForms(ctx); err != nil {
		return nil, err
	}
	s.mux = s.routes()
	s.guarded = s.guard(http.HandlerFunc(s.dispatch))
	return s, nil
}

// dispatch leads a request to the one who answers it: feeds are known by the
// catalogue, everything else by its route.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	if f := s.find(r.URL.Path); f != nil {
		r.Pattern = "feed"
		s.answer(s.feed(f)).ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		c := s.directory().catalogue
		if to, ok := c.MovedTo(r.URL.Path); ok {
			r.Pattern = "feed that moved"
			s.answer(s.moved(to)).ServeHTTP(w, r)
			return
		}
		if c.IsGone(r.URL.Path) {
			r.Pattern = "feed that is gone"
			s.answer(s.gone).ServeHTTP(w, r)
			return
		}
	}
	if f := s.listed(r.URL.Path); f != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		r.Pattern = "GET /" + string(f.Kind)
		s.answer(s.list(f)).ServeHTTP(w, r)
		return
	}
	if part, ok := publish.SitemapPartOf(strings.TrimPrefix(r.URL.Path, "/")); ok && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		r.Pattern = "GET /sitemap-{part}.xml.gz"
		s.answer(s.partOfSitemap(part)).ServeHTTP(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if refuse, pattern := s.mux.Handler(r); pattern == "" {
			s.notHere(w, r, refuse)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// routes says who answers what. A pattern with GET takes HEAD too; other
// methods of a known path get 405 with Allow.
func (s *server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range []struct {
		pattern string
		handle  func(http.ResponseWriter, *http.Request) error
	}{
		{"GET /{$}", s.home},
		{"GET /articles", s.toHome},
		{"GET /articles/{$}", s.toHome},
		{"GET /articles/{slug}", s.article},
		{"GET /newsletters", s.toHome},
		{"GET /newsletters/{$}", s.toHome},
		{"GET /newsletters/{newsletter}", s.newsletter},
		{"GET /newsletters/{newsletter}/issues", s.toIssues},
		{"GET /newsletters/{newsletter}/issues/{number}", s.issue},
		{"GET /read/{token}", s.readMailed},
		{"GET /read/{token}/issues", s.readList},
		{"GET /read/{token}/issues/{number}", s.readIssue},
		{"GET /newsletters/{newsletter}/subscribe", s.subscribePage},
		{"POST /newsletters/{newsletter}/subscribe", s.subscribe},
		{"GET /newsletters/{newsletter}/embed", s.embed},
		{"GET /newsletters/{newsletter}/archive", s.archivePage},
		{"POST /newsletters/{newsletter}/archive", s.askArchive},
		{"GET /r/{link}", s.followLink},
		{"GET /confirm/{token}", s.confirmPage},
		{"POST /confirm/{token}", s.confirm},
		{"GET /feeds", s.feedList},
		{"GET /opml.xml", s.opml},
		{"GET /files/{file...}", s.file},
		{"GET /hub", s.hubPage},
		{"POST /hub", s.askHub},
		{"GET " + pushPath + "{token}", s.answerHub},
		{"POST " + pushPath + "{token}", s.pushed},
		{"POST " + hookPath + "{provider}", s.takeHook},
		{"GET /unsubscribe/{token}", s.unsubscribePage},
		{"POST /unsubscribe/{token}", s.unsubscribe},
		{"GET /preferences/{token}", s.preferencesPage},
		{"POST /preferences/{token}", s.preferences},
		{"GET /access/{token}", s.accessPage},
		{"POST /access/{token}", s.access},
		{"GET /change/{token}", s.changePage},
		{"POST /change/{token}", s.changeAddress},
		{"GET /personal/{secret}/{file}", s.personalFeed},
		{"GET /assets/{name}", s.asset},
		{"GET /favicon.svg", s.favicon},
		{"GET /favicon.ico", s.favicon},
		{"GET /robots.txt", s.robots},
		{"GET /sitemap.xml", s.sitemapFile},
		{"GET /healthz", s.healthz},
		{"GET /readyz", s.readyz},
		{"GET /metrics", s.metrics},
		{catchAll, s.byPath},
	} {
		mux.Handle(r.pattern, s.answer(r.handle))
	}
	return mux
}

// catchAll takes what no other pattern does: permalinks, former paths of
// articles, slips of the keyboard.
const catchAll = "GET /{path...}"

// pathOf returns the path of a URL, without a trailing slash.
func pathOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}
