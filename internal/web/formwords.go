package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
)

// shownForm is a sign-up form as it is shown.
type shownForm struct {
	newsletter, language string
	elsewhere            bool // on other sites
}

// keepForms names the words of each sign-up form, as templates and configuration make
// them in each language, by their hash, and keeps them: the proof of a consent names what
// its owner read.
func (s *server) keepForms(ctx context.Context) error {
	s.shown = map[shownForm]string{}
	kept := map[string]string{}
	for _, n := range s.o.Newsletters {
		if n.Closed {
			continue
		}
		for _, language := range i18n.Languages() {
			p := s.private(language)
			p.View = subscribeView{State: "form", Newsletter: n.Title, Lang: n.Language, NewsletterURL: s.publicArchive(n.Name).list, Form: s.form(n, p, asked{}, time.Time{})}
			page, err := s.views.renderPart(ctx, "subscribe.html", "main", p)
			if err != nil {
				return err
			}
			for form, text := range map[shownForm]string{
				{n.Name, language, false}: wordsOf(n, string(page)),
				{n.Name, language, true}:  wordsOf(n, s.snippet(n, p)),
			} {
				hash := sha256.Sum256([]byte(language + "\n" + text))
				version := hex.EncodeToString(hash[:6])
				s.shown[form], kept[version] = version, text
			}
		}
	}
	return s.store.KeepForms(ctx, kept, s.now())
}

// wordsOf returns what people read: what the newsletter is, and what a form says.
func wordsOf(n newsletter.Newsletter, form string) string {
	lines := []string{n.Title, n.Description}
	if root, err := html.Parse(strings.NewReader(form)); err == nil { // reading a string does not fail
		lines = readable(lines, root)
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), "\n")
}

// readable adds the words of an element to lines, without those that are hidden.
func readable(lines []string, n *html.Node) []string {
	if n.Type == html.TextNode {
		return append(lines, strings.Join(strings.Fields(n.Data), " "))
	}
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "aria-hidden" && a.Val == "true" {
			return lines
		}
	}
	for c := range n.ChildNodes() {
		lines = readable(lines, c)
	}
	return lines
}
