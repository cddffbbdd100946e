package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// inspectBar reports what is wrong with the links around an issue: a template of the
// operator's may be between them, so they must do on any ground.
const inspectBar = `(() => {
	const wrong = [];
	if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen: ' + document.documentElement.scrollWidth + ' > ' + innerWidth);
	const links = [...document.querySelectorAll('nav a, body > p:last-of-type a')];
	if (links.length !== 6) wrong.push(links.length + ' links');
	for (const a of links) {
		const r = a.getBoundingClientRect();
		if (r.height < 44) wrong.push('only ' + r.height + ' pixels high: ' + a.textContent);
		if (r.left < 0 || r.right > innerWidth) wrong.push('beyond the edge: ' + a.textContent);
		const c = getComputedStyle(a).color, dark = matchMedia('(prefers-color-scheme:dark)').matches;
		const lum = c.match(/[\d.]+/g).slice(0, 3).reduce((s, v) => s + Number(v), 0);
		if (dark ? lum < 500 : lum > 250) wrong.push('the colour ' + c + ': ' + a.textContent);
	}
	for (const e of document.querySelectorAll('.personal')) if (e.checkVisibility()) wrong.push('something personal is seen');
	return wrong;
})()`

// pathOfPage is where the browser is.
const pathOfPage = `location.pathname`

// archived sends some more issues of the first of each newsletter, as templates made it.
func (s *sample) archived(name string, rehearsal bool) {
	s.t.Helper()
	issues, err := s.store.Issues(s.t.Context(), store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal})
	s.check(err)
	d, err := s.store.Digest(s.t.Context(), issues[0].ID, 1)
	s.check(err)
	for n := range 2 {
		s.send(name, rehearsal, fmt.Sprint("Issue ", n+2), newsletter.Digest{Language: d.Language, Articles: d.Articles, Subject: d.Subject, HTML: d.HTML})
	}
}

// TestArchiveInBrowser walks through issues with the keyboard, public and private, in
// both languages, and looks at each page on phones and screens.
func TestArchiveInBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t, withBoard(newsletter.ArchivePrivate))
	for _, name := range []string{"weekly", "quotidien", "board"} {
		s.archived(name, true)
	}
	issues, err := s.store.Issues(t.Context(), store.IssueQuery{Newsletter: "board"})
	s.check(err)
	read := s.readLink(her, issues[1], 1)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	looks := func(page, script string) {
		t.Helper()
		for width, scheme := range map[int64]string{320: "dark", 1280: "light"} {
			s.check(chromedp.Do(tab, show(s.url+page, width, scheme)))
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](script))
			s.check(err)
			for _, w := range wrong {
				t.Errorf("%s %d %s: %s", page, width, scheme, w)
			}
		}
	}
	for second, around := range map[string][3]string{
		"/newsletters/weekly/issues/2":    {"/newsletters/weekly/issues/1", "/newsletters/weekly", "/newsletters/weekly/issues/3"},
		"/newsletters/quotidien/issues/2": {"/newsletters/quotidien/issues/1", "/newsletters/quotidien", "/newsletters/quotidien/issues/3"},
		read:                              {read + "/issues/1", read + "/issues", read + "/issues/3"},
	} {
		looks(second, inspectBar)
		looks(around[1], inspect)
		for i, to := range around {
			s.check(chromedp.Do(tab, show(s.url+second, 360, "light")))
			for range i + 1 {
				s.check(chromedp.Do(tab, chromedp.KeyEvent(kb.Tab)))
			}
			s.check(chromedp.Do(tab, chromedp.KeyEvent(kb.Enter), chromedp.WaitReady(`a[href$="`+second+`"], a[href$="/issues/2"]`)))
			got, err := chromedp.Run(tab, chromedp.Evaluate[string](pathOfPage))
			s.check(err)
			if got != to {
				t.Errorf("the link %d of %s leads to %s, want %s", i+1, second, got, to)
			}
		}
	}
	looks("/newsletters/board", inspect)
	looks("/newsletters/board/issues/1", inspect)
	looks("/", inspect)
}
