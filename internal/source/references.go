package source

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// localPath is how a reference begins that begins neither with a scheme, nor with a
// slash or a number sign; angledPath may hold anything.
var (
	localPath  = regexp.MustCompile(`^\s*["'<]?\s*(?:\.|[^\s"'<>()/#:.]+[./?#])`)
	angledPath = regexp.MustCompile(`^\s*<`)
)

// pathAttributes are the attributes of HTML that refer to files.
var pathAttributes = []string{"src", "href", "poster", "srcset"}

// mayBeLocal reports whether a text may refer to files beside the article, so that
// only such texts are taken apart: it has a link or picture of Markdown, or an
// attribute of HTML, with such a path. It looks where one can begin; a single pattern
// for all of it would be tried at every byte.
func mayBeLocal(text string) bool {
	for at := 0; ; at++ {
		next := strings.IndexAny(text[at:], "]=")
		if next < 0 {
			return false
		}
		at += next
		rest := text[at+1:]
		switch {
		case text[at] == '=':
			if endsInAttribute(text[:at]) && localPath.MatchString(rest) {
				return true
			}
		case strings.HasPrefix(rest, "("):
			if localPath.MatchString(rest[1:]) || angledPath.MatchString(rest[1:]) {
				return true
			}
		case strings.HasPrefix(rest, ":"):
			if localPath.MatchString(rest[1:]) {
				return true
			}
		}
	}
}

// endsInAttribute reports whether a text ends in the name of one of pathAttributes.
func endsInAttribute(text string) bool {
	text = strings.TrimRight(text, "\t\n\f\r ")
	return slices.ContainsFunc(pathAttributes, func(name string) bool {
		before := len(text) - len(name)
		return before >= 0 && strings.EqualFold(text[before:], name) && (before == 0 || !isWordByte(text[before-1]))
	})
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// references looks whether the files are there that the text shows and links to.
// The article depends on them from now on.
func (b *builder) references(m matter) {
	a := &b.article
	if b.local == nil || a.Format == newsletter.PlainText || !mayBeLocal(a.Body) {
		return
	}
	seen := map[string]bool{}
	// What cannot be rendered is said when it is.
	_, _ = markup.Render(a.Format, a.Body, func(ref string, kind markup.Kind) string {
		if !seen[ref] {
			seen[ref] = true
			b.reference(m, ref, kind)
		}
		return ref
	}, "")
}

// reference looks whether the file is there that one relative reference means.
func (b *builder) reference(m matter, ref string, kind markup.Kind) {
	u, err := url.Parse(ref)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" || u.Path[0] == '/' || kind == markup.Link && path.Ext(u.Path) == "" {
		return
	}
	p := path.Join(path.Dir(b.article.File), u.Path)
	at := &value{}
	if before, _, found := strings.Cut(m.body, ref); found { // not if it was written with escapes
		at.line = m.bodyLine + strings.Count(before, "\n")
	}
	switch {
	case p == ".." || strings.HasPrefix(p, "../"):
		if kind == markup.Media {
			b.warn(at, fmt.Sprintf("%s lies outside of the folder of articles", ref), "put the file beside the article")
		}
		return
	case !slices.Contains(b.deps, p):
		b.deps = append(b.deps, p)
	}
	switch {
	case b.local.tree.has(p):
	case kind == markup.Link && formatOf(p) == "" && newsletter.MediaType(p) == "":
		b.warn(at, fmt.Sprintf("the link to %s leads nowhere: files of that kind are not published", ref),
			"pictures, audio, video, PDF and EPUB files are; put others elsewhere and link to their address")
	case kind == markup.Link:
		b.warn(at, fmt.Sprintf("the link to %s leads nowhere: there is no file %s", ref, b.dir.display(p)), "correct it, or put the file there")
	default:
		b.warn(at, "there is no file "+b.dir.display(p), "put the file beside the article, or correct its name")
	}
}

// has reports whether there is an article file or asset at a path.
func (t *tree) has(p string) bool {
	if formatOf(p) == "" {
		_, ok := t.assets[p]
		return ok
	}
	dir, name := splitPath(p)
	i, ok := slices.BinarySearchFunc(t.folders, dir, func(f folder, path string) int { return strings.Compare(f.path, path) })
	if !ok {
		return false
	}
	_, ok = slices.BinarySearchFunc(t.folders[i].files, name, func(f file, name string) int { return strings.Compare(f.name, name) })
	return ok
}

// stateOf is what a dependency on a file goes by: an asset's size and times, an
// article's being there.
func (t *tree) stateOf(p string) meta {
	if formatOf(p) != "" && t.has(p) {
		return meta{size: 1}
	}
	return t.assets[p] // zero: missing
}
