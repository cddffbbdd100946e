package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
	"syndicate/internal/store"
	"syndicate/internal/web"
	"syndicate/internal/websub"
)

// peer is a whole site that others can reach, with its daemon running.
type peer struct {
	t       *testing.T
	url     string
	store   *store.Store
	service *jobs.Service
}

// newPeer starts one. It has the articles of its store, and of a feed if one is named.
func newPeer(t *testing.T, reads string) *peer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "site.db"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	p := &peer{t: t, url: "http://" + server.Listener.Addr().String(), store: st}
	o := jobs.Options{
		Store: st, Site: newsletter.Site{Title: "A peer", URL: p.url, Language: "en", Location: time.UTC},
		Feeds: jobs.FeedOptions{Dir: filepath.Join(t.TempDir(), "public"), Hubs: []string{"self"}},
		// What is served may be a second old.
		Hub:     jobs.HubOptions{Settle: 2 * time.Second, Interval: 2 * time.Second, Private: []string{"127.0.0.1"}},
		Builtin: os.DirFS("../../templates"), OutboxDir: t.TempDir(), Log: log,
	}
	if reads != "" {
		client := fetch.New(fetch.Options{Private: []string{"127.0.0.1"}})
		reader := feed.NewReader(feed.Options{URL: reads, Client: client})
		o.Sources = []source.Source{remote.New(remote.Options{Name: "elsewhere", Every: 24 * time.Hour}, reader)}
	}
	if p.service, err = jobs.New(o); err != nil {
		t.Fatal(err)
	}
	handler, err := web.New(ctx, web.Options{
		Store: st, Service: p.service, Site: o.Site, FeedsDir: o.Feeds.Dir, Builtin: o.Builtin, WebURL: p.url, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	done := make(chan error, 1)
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p.publish("The first article")
	if _, err := p.service.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	server.Start()
	go func() { done <- p.service.Serve(ctx) }()
	return p
}

func (p *peer) publish(title string) {
	p.t.Helper()
	a := newsletter.Article{
		Key: title, File: title, Slug: url.PathEscape(title), Title: title, Summary: title, Language: "en",
		Format: newsletter.Markdown, Published: time.Now().Add(-time.Minute), Body: title + "\n",
	}
	if _, err := p.store.UpsertArticles(p.t.Context(), store.UpsertBatch{Source: "articles", SiteURL: p.url, Articles: []newsletter.Article{a}}, time.Now()); err != nil {
		p.t.Fatal(err)
	}
}

// has reports whether the site has an article of a title.
func (p *peer) has(title string) bool {
	p.t.Helper()
	all, err := p.store.Articles(p.t.Context(), store.ArticleQuery{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, a := range all {
		if a.Title == title {
			return true
		}
	}
	return false
}

func (p *peer) push() store.Push {
	p.t.Helper()
	all, err := p.service.Pushes(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if len(all) == 0 {
		return store.Push{}
	}
	return all[0]
}

// await waits for what the daemons bring about.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		}
	}
}

// TestPush: a site that reads the feed of another subscribes at its hub, and has a
// new article when the hub tells of it, long before it would ask again. What others
// send to its callback has no effect.
func TestPush(t *testing.T) {
	t.Parallel()
	writer := newPeer(t, "")
	reader := newPeer(t, writer.url+"/feed.atom")
	await(t, "the reader has subscribed", func() bool { return reader.push().State == store.PushActive })
	p := reader.push()
	if p.Hub != writer.url+"/hub" || p.Topic != writer.url+"/feed.atom" || time.Until(p.Expires) < 9*24*time.Hour {
		t.Errorf("it subscribed so: %s, %s, until %s", p.Hub, p.Topic, p.Expires)
	}
	callback := reader.url + "/websub/" + p.Token
	send := func(method, address, signature string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(make([]byte, 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Hub-Signature", signature)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for name, test := range map[string]struct {
		method, address, signature string
		want                       int
	}{
		"unsigned":            {"POST", callback, "", 202},
		"another's signature": {"POST", callback, websub.Sign("a guess", make([]byte, 100_000)), 202},
		"no such callback":    {"POST", callback + "x", "", 410},
		"another topic":       {"GET", callback + "?hub.mode=subscribe&hub.challenge=c&hub.topic=" + url.QueryEscape(reader.url+"/feed.atom"), "", 404},
		"not meant":           {"GET", callback + "?hub.mode=unsubscribe&hub.challenge=c&hub.topic=" + url.QueryEscape(p.Topic), "", 404},
		"nothing asked":       {"GET", callback, "", 400},
	} {
		if got := send(test.method, test.address, test.signature); got != test.want {
			t.Errorf("%s: answered %d, want %d", name, got, test.want)
		}
	}
	if !reader.push().PushedAt.IsZero() {
		t.Error("somebody else's word counted")
	}

	writer.publish("News of the hour")
	await(t, "the reader has the news", func() bool { return reader.has("News of the hour") })
	if reader.push().PushedAt.IsZero() {
		t.Error("it had the news by itself")
	}
	st, err := writer.service.HubState(t.Context())
	if err != nil || st.Subscriptions != 1 || st.Failing != 0 {
		t.Errorf("the hub stands so: %+v, %v", st, err)
	}

	if got := send("GET", callback+"?hub.mode=denied&hub.reason=%3Cno%3E&hub.topic="+url.QueryEscape(p.Topic), ""); got != 200 {
		t.Errorf("a denial is answered %d", got)
	}
	if p := reader.push(); p.State != store.PushDenied || p.Error != "its hub denied the subscription: <no>" {
		t.Errorf("denied, it stands so: %s, %s", p.State, p.Error)
	}
}
