// Package markup turns the bodies of articles into what the rest of the program
// shows: safe HTML, plain text, excerpts.
//
// The procedure of Render, whatever the format:
//
//  1. Markdown (goldmark: CommonMark, GFM, footnotes) and plain text (see
//     plain.go) become HTML; HTML stays as it is.
//  2. The HTML is parsed as a browser would parse it and its tree is put in
//     order: what runs or asks for input goes, frames become links, every
//     reference is made absolute by the caller's resolver, ids get a prefix of
//     the article's own, so that several articles fit on one page. Markdown without
//     HTML in it is put in order before it becomes HTML, and not parsed (settle.go).
//  3. The tree is written out as well-formed HTML and passes through bluemonday's
//     allow list, which has the last word.
//
// The same input always gives the same bytes.
package markup

import (
	"fmt"
	"strings"
)

// Kind says what a reference in a body points to.
type Kind int

// The kinds of references.
const (
	Link  Kind = iota // something to go to: a[href], iframes made into links, cite
	Media             // a file shown in place: images, audio, video, their posters and subtitles
)

// Render turns a body into safe HTML: no scripts, styles, frames, forms, event
// handlers, nor anything else that bluemonday does not know as text. f is a
// newsletter.Format ("md", "html", "txt").
//
// resolve makes references absolute; it gets each one but mailto:, tel:, data:
// images and fragments (#note) of the body itself, and drops one by returning "". Nil leaves
// references as they are.
//
// language is the language of the text, if known. It decides whether straight
// quotes, "--" and "..." in Markdown become typographic ones: only in English,
// and only in a text that has none yet.
func Render[F ~string](f F, body string, resolve func(ref string, kind Kind) string, language ...string) (string, error) {
	var out string
	var err error
	switch string(f) {
	case "md":
		m := readMarkdown(body, len(language) > 0 && wantsTypographer(language[0], body))
		settled := m.settled(body, resolve)
		if out, err = m.html(); err != nil {
			return "", fmt.Errorf("render markdown: %w", err)
		}
		if !settled {
			out, err = inOrder(out, body, resolve)
		}
	case "txt":
		out, err = inOrder(plainHTML(body), body, resolve)
	case "html":
		out, err = inOrder(body, body, resolve)
	default:
		return "", fmt.Errorf("render: unknown body format %q", string(f))
	}
	if err != nil {
		return "", fmt.Errorf("render: %w", err)
	}
	if out, err = sanitised(out); err != nil {
		return "", fmt.Errorf("render: %w", err)
	}
	return out, nil
}

// inOrder parses HTML that was made of a body, puts its tree in order and writes it
// out again.
func inOrder(source, body string, resolve func(string, Kind) string) (string, error) {
	tree, err := parseFragment(source)
	if err != nil {
		return "", err
	}
	tidy(tree, idPrefix(body), resolve)
	return writeChildren(tree, len(source))
}

// sanitised passes HTML through the policy.
func sanitised(source string) (string, error) {
	var safe strings.Builder
	safe.Grow(len(source))
	if err := policy().SanitizeReaderToWriter(strings.NewReader(source), &safe); err != nil {
		return "", err
	}
	return strings.TrimSpace(Clean(safe.String())), nil
}
