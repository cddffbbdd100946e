package web_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"syndicate/internal/test/axe"
)

// pageRules are those that a mail need not keep: its landmarks and headings are the
// program's that shows it.
var pageRules = []string{"region", "landmark-one-main", "page-has-heading-one", "bypass"}

// TestAccessible looks with axe-core at every page that a reader can meet, and at every
// mail, in both languages: each on a phone in one of them and on a screen in the other,
// here light and there dark. Scripts are switched on for axe-core only.
func TestAccessible(t *testing.T) {
	t.Parallel()
	look, browser := axe.Find(t), chromium(t)
	g := newGallery(t)
	g.fill("weekly", "en")
	g.fill("quotidien", "fr")
	g.hangMails()
	g.open()

	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	nth := map[string]int{} // by language
	for i, e := range g.shown {
		width, scheme := int64(360), "light"
		if (e.language == "fr") != (nth[e.language]%2 == 1) {
			width = 1280
		}
		if e.language == "fr" {
			scheme = "dark"
		}
		if nth[e.language]%4 > 1 {
			scheme = map[string]string{"light": "dark", "dark": "light"}[scheme]
		}
		nth[e.language]++
		g.check(chromedp.Do(tab, scripts(false), show(fmt.Sprintf("%s/seen/%d", g.url, i), width, scheme), scripts(true)))
		g.examine(tab, look, e, fmt.Sprintf("%s %s %d %s", e.language, e.name, width, scheme))
	}
}

// examine finds what is wrong with what a tab shows.
func (g *gallery) examine(tab context.Context, look *axe.Axe, e exhibit, name string) {
	g.test.Helper()
	var without []string
	if e.mail {
		without = pageRules
	} else {
		wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](inspect))
		g.check(err)
		for _, w := range wrong {
			g.test.Errorf("%s: %s", name, w)
		}
	}
	found, err := look.Check(tab, without...)
	g.check(err)
	for _, f := range found {
		g.test.Errorf("%s: %s", name, f)
	}
	keep(g.test, name, func() ([]byte, error) { return chromedp.Run(tab, chromedp.FullScreenshot(100)) })
}

// TestAxe: what is wrong is found.
func TestAxe(t *testing.T) {
	t.Parallel()
	look, browser := axe.Find(t), chromium(t)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate(`data:text/html,<!DOCTYPE html><html><body><input><p style="color:%23aaa;background:%23fff">pale`)); err != nil {
		t.Fatal(err)
	}
	found, err := look.Check(tab)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{}
	for _, f := range found {
		rules[f.Rule] = f.Impact
	}
	if rules["label"] != "critical" || rules["color-contrast"] != "serious" || rules["html-has-lang"] != "serious" {
		t.Errorf("%v", found)
	}
	if found, err = look.Check(tab, "label"); err != nil || len(found) != len(rules)-1 {
		t.Errorf("%v %v", found, err)
	}
}
