package digest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
	"syndicate/internal/test"
)

// These tests look at the built-in templates in Chromium: nothing overflows on the
// narrowest phone, every text has enough contrast in both colour schemes, what one
// taps is large enough, and headings are in order.

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
		if (parseFloat(s.fontSize) < 13) wrong.push('font of ' + s.fontSize + ': ' + n.data.trim().slice(0, 40));
	}
	if (seen < 20) wrong.push('only ' + seen + ' texts to be seen');
	let taps = 0;
	for (const a of document.querySelectorAll('table table table a, .edge a')) {
		const r = a.getBoundingClientRect();
		taps++;
		if (r.height < 44) wrong.push('only ' + r.height + ' pixels high: ' + a.textContent);
	}
	if (taps < 4) wrong.push('only ' + taps + ' buttons');
	let level = 0;
	for (const h of document.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
		const l = +h.tagName[1];
		if (l > level + 1) wrong.push(h.tagName + ' after H' + level + ': ' + h.textContent);
		level = l;
	}
	for (const t of document.querySelectorAll('table')) if (t.getAttribute('role') !== 'presentation') wrong.push('a layout table without its role');
	for (const i of document.images) if (!i.alt) wrong.push('an image without a text: ' + i.src);
	return wrong;
})()`

func TestInBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	tmpl := builtinTemplates(t)
	for name, data := range map[string]digest.Data{"english": english(), "french": french(), "hard": hard()} {
		page := servePage(t, tmpl, data)
		for _, width := range []int64{320, 375, 700} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s %d %s", name, width, scheme), func(t *testing.T) {
					tab, cancel := chromedp.NewContext(browser)
					defer cancel()
					if err := chromedp.Do(tab, show(page, width, 1, scheme)); err != nil {
						t.Fatal(err)
					}
					wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](inspect))
					if err != nil {
						t.Fatal(err)
					}
					for _, w := range wrong {
						t.Error(w)
					}
				})
			}
		}
	}
}

// show opens a page on a screen of that width and colour scheme.
func show(page string, width int64, scale float64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(scale)),
		chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
		chromedp.Navigate(page),
	)
}

// servePage serves a digest as a subscriber sees it, with the pictures of the sample articles.
func servePage(t *testing.T, tmpl *digest.Templates, data digest.Data) string {
	t.Helper()
	d, err := tmpl.Render(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	pictures := http.FileServer(http.Dir("../../articles"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			pictures.ServeHTTP(w, r)
			return
		}
		host := "http://" + r.Host
		if r.FormValue("images") == "off" {
			host = "http://" + r.Host + "/off"
		}
		fmt.Fprint(w, strings.NewReplacer(
			newsletter.PlaceholderAddress, "m…@example.org", newsletter.PlaceholderUnsubscribe, "/u", newsletter.PlaceholderPreferences, "/p",
			`src="`+data.Site.URL, `src="`+host,
		).Replace(d.HTML))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// chromium starts a browser, or skips the test where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		test.Missing(t, "chromium", err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("hide-scrollbars", true))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(alloc)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}
