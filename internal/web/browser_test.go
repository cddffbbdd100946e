package web_test

import (
	"context"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
	"syndicate/internal/test"
	"syndicate/internal/web"
)

// These tests look at the pages in Chromium, as the sample site shows them: nothing
// overflows on the narrowest phone, every text has enough contrast in both colour
// schemes, what one taps is large enough, headings are in order, and leaving a
// newsletter works where scripts are switched off.

// inspect reports what is wrong with a page.
const inspect = `(() => {
	const wrong = [];
	const rgb = s => (s.match(/[\d.]+/g) || []).map(Number);
	const lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c.slice(0, 3) } return [255, 255, 255] };
	if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen: ' + document.documentElement.scrollWidth + ' > ' + innerWidth);
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	for (let n; n = texts.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || !e.checkVisibility({checkOpacity: true})) continue;
		seen++;
		const s = getComputedStyle(e), a = lum(rgb(s.color).slice(0, 3)), b = lum(ground(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) wrong.push('contrast ' + ratio.toFixed(2) + ': ' + n.data.trim().slice(0, 40));
		if (parseFloat(s.fontSize) < 12.5) wrong.push('font of ' + s.fontSize + ': ' + n.data.trim().slice(0, 40));
	}
	if (seen < 8) wrong.push('only ' + seen + ' texts to be seen');
	for (const b of document.querySelectorAll('button, .button, .masthead nav a')) {
		const r = b.getBoundingClientRect();
		if (r.height < 44) wrong.push('only ' + r.height + ' pixels high: ' + b.textContent);
	}
	let level = 0, tops = 0;
	for (const h of document.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
		const l = +h.tagName[1];
		if (l > level + 1) wrong.push(h.tagName + ' after H' + level + ': ' + h.textContent);
		if (l === 1) tops++;
		level = l;
	}
	if (tops !== 1) wrong.push(tops + ' headings of the first level');
	for (const i of document.images) {
		if (!i.hasAttribute('alt')) wrong.push('an image without a text: ' + i.src);
		if (i.loading !== 'lazy' && i.complete && i.naturalWidth === 0) wrong.push('an image that does not load: ' + i.src);
	}
	for (const tag of ['main', 'header', 'footer']) if (!document.querySelector('body > ' + tag)) wrong.push('no ' + tag);
	const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
	if (new Set(ids).size !== ids.length) wrong.push('an id twice: ' + ids);
	for (const a of document.links) if (!a.textContent.trim() && !a.ariaHidden && !a.querySelector('img[alt]:not([alt=""])')) wrong.push('a link without a text: ' + a.href);
	if (!document.documentElement.lang) wrong.push('no language');
	return wrong;
})()`

// sample is the sample site of the repository, after its first run, on a server.
type sample struct {
	*site
	url   string
	pages map[string]string // by name: paths
}

func newSample(t *testing.T, set ...func(*web.Options)) *sample {
	t.Helper()
	return sampleOn(t, storetest.SQLite(t), set...)
}

func sampleOn(t *testing.T, dsn string, set ...func(*web.Options)) *sample {
	t.Helper()
	ctx := t.Context()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "public"), outbox: filepath.Join(t.TempDir(), "outbox"), log: &syncBuffer{}, now: start}
	var err error
	s.store, err = store.Open(ctx, store.Options{DSN: dsn, Now: s.clock})
	s.check(err)
	t.Cleanup(s.close)
	zone, err := time.LoadLocation("Europe/Paris")
	s.check(err)
	root, err := filepath.Abs("../..")
	s.check(err)

	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	o := web.Options{
		Store: s.store, FeedsDir: s.dir, Builtin: os.DirFS(filepath.Join(root, "templates")), Now: s.clock,
		Site: newsletter.Site{
			Title: "The Harbour Letter", Description: "Unhurried reading about boats, bread, books and the open web.", URL: address, Language: "en", Location: zone,
			PostalAddress: "The Harbour Letter\n1 Quay Street\nExampleham",
		},
		Newsletters: []newsletter.Newsletter{
			{
				Name: "weekly", Intro: "intros/weekly.md", Title: "The Harbour Letter, weekly", Description: "What was new this week by the harbour, every Monday morning.", From: mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"},
				Schedule: "0 7 * * MON", Location: zone, Language: "en", Select: newsletter.Selection{Languages: []string{"en"}}, Min: 1, Max: 20,
			},
			{
				Name: "quotidien", Title: "La lettre du port", Description: "Chaque matin, ce qui vient de paraître en français.", From: mail.Address{Name: "La lettre du port", Address: "lettre@example.org"},
				Schedule: "0 7 * * *", Location: zone, Language: "fr", Select: newsletter.Selection{Languages: []string{"fr"}}, Min: 1, Max: 20,
			},
		},
	}
	for _, f := range set {
		f(&o)
	}
	s.service, err = jobs.New(jobs.Options{
		Store: s.store, Site: o.Site, Newsletters: o.Newsletters, Builtin: o.Builtin, SiteFS: os.DirFS(root), OutboxDir: s.outbox,
		Sources: []source.Source{source.NewDir(source.DirOptions{
			Name: "articles", Root: filepath.Join(root, "articles"), Label: "articles", Language: "en", Languages: []string{"en", "fr"}, Location: zone,
		})},
		Feeds: jobs.FeedOptions{Dir: s.dir, Full: true}, Now: s.clock,
	})
	s.check(err)
	for _, n := range o.Newsletters {
		_, err := s.store.SyncNewsletter(ctx, n.Name, true, s.clock())
		s.check(err)
		_, err = s.store.AddSubscriber(ctx, n.Name, newsletter.Line{N: 2, Email: her}, "cli", s.clock())
		s.check(err)
	}
	_, err = s.service.Run(ctx, jobs.RunOptions{})
	s.check(err)
	o.Service = s.service
	s.handler, err = web.New(t.Context(), o)
	s.check(err)
	server.Config.Handler = s.handler
	server.Start()
	t.Cleanup(server.Close)
	return &sample{site: s, url: address, pages: map[string]string{
		"home":           "/",
		"article":        "/articles/the-lamp-on-the-north-pier",
		"article-code":   "/articles/a-feed-of-ones-own",
		"article-french": "/articles/le-chantier-du-fond-du-port",
		"newsletter":     "/newsletters/weekly",
		"feed":           "/feed.atom",
		"feeds":          "/feeds",
		"tag":            "/tags/sea/",
		"auteur":         "/authors/solveig-tanguidé/",
		"unsubscribe":    s.link(newsletter.PurposeUnsubscribe, her, "weekly"),
		"desabonnement":  s.link(newsletter.PurposeUnsubscribe, her, "quotidien"),
		"preferences":    s.link(newsletter.PurposePreferences, her, "weekly"),
		"data":           s.accessLink(her, "weekly"),
		"notfound":       "/articles/mending-nets",
		"wrong-link":     "/unsubscribe/AXUB",
	}}
}

func TestInBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	for name, page := range s.pages {
		for width, scheme := range map[int64]string{320: "dark", 1200: "light"} {
			s.check(chromedp.Do(tab, show(s.url+page, width, scheme)))
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](inspect))
			s.check(err)
			for _, w := range wrong {
				t.Errorf("%s %d %s: %s", name, width, scheme, w)
			}
		}
	}
}

// TestLeaveWithoutScripts presses the buttons of the unsubscribe page on a phone.
func TestLeaveWithoutScripts(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	s.check(chromedp.Do(tab,
		chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		}),
		show(s.url+s.pages["unsubscribe"], 375, "light")))
	for i, step := range []struct {
		form, heading string // what the page offers and says
		state         newsletter.SubscriptionState
	}{
		{"confirm", "Unsubscribe from The Harbour Letter, weekly?", newsletter.SubscriptionConfirmed},
		{"undo", "You are unsubscribed", newsletter.SubscriptionUnsubscribed},
		{"confirm", "You are subscribed again", newsletter.SubscriptionConfirmed},
		{"undo", "You are unsubscribed", newsletter.SubscriptionUnsubscribed},
	} {
		if i > 0 {
			s.check(chromedp.Do(tab, chromedp.Click("button", chromedp.NodeVisible)))
		}
		s.check(chromedp.Do(tab, chromedp.WaitReady("input[name="+step.form+"]")))
		heading, err := chromedp.Run(tab, chromedp.Text("h1"))
		s.check(err)
		if heading != step.heading {
			t.Errorf("step %d: the heading is %q, want %q", i, heading, step.heading)
		}
		if got := s.subscriber(her, "weekly").State; got != step.state {
			t.Errorf("step %d: the subscription is %s, want %s", i, got, step.state)
		}
	}
}

// show opens a page on a screen of that width and colour scheme.
func show(page string, width int64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.EmulateViewport(width, 900), prefer(scheme), chromedp.Navigate(page))
}

// prefer sets the colour scheme.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// chromium starts a browser, or skips the test where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		test.Missing(t, "chromium", err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(alloc)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}
