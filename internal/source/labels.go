package source

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// maxLabels is how many tags, authors, aliases or enclosures an article may have.
const maxLabels = 200

// maxIndexed is how many bytes a path, an address or a label may have: an index of
// PostgreSQL takes 2704 bytes a row.
const maxIndexed = 1000

// indexed reports whether text is short enough for an index; if not, what is said
// of it is left out, with a warning.
func (b *builder) indexed(v *value, what, text string) bool {
	if len(text) > maxIndexed {
		b.warn(v, fmt.Sprintf("%s: has %d bytes, %d are allowed; it is not used", what, len(text), maxIndexed), "")
		return false
	}
	return true
}

// labels sets the tags (those and the categories, in either form) and the section.
func (b *builder) labels() {
	a := &b.article
	for _, name := range []string{"tags", "tag", "categories", "category"} {
		v := b.fields.find(name)
		if v == nil {
			continue
		}
		words := v.items()
		if v.kind == isText && name != "category" && name != "tag" {
			words = splitWords(*v)
		}
		for _, w := range words {
			tag := markup.CleanLine(w.text)
			known := slices.ContainsFunc(a.Tags, func(t string) bool { return strings.EqualFold(t, tag) })
			if tag != "" && !known && len(a.Tags) < maxLabels && b.indexed(v, name, tag) {
				a.Tags = append(a.Tags, tag)
			}
		}
	}
	a.Section = b.name.section
	if v := b.fields.find("section"); v != nil && v.kind == isText && b.indexed(v, "section", v.text) {
		a.Section = strings.Trim(path.Clean("/"+markup.CleanLine(v.text)), "/")
	}
}

// splitWords splits text at commas, or at spaces if there are none: Jekyll's
// "tags: sea craft".
func splitWords(v value) []value {
	words := strings.FieldsFunc(v.text, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	if strings.Contains(v.text, ",") {
		words = strings.Split(v.text, ",")
	}
	out := make([]value, len(words))
	for i, w := range words {
		out[i] = value{kind: isText, text: w}
	}
	return out
}

// authors reads names, "Name <address>", tables, and lists of them.
func (b *builder) authors() []newsletter.Author {
	v := b.fields.find("authors", "author")
	if v == nil {
		return nil
	}
	people := v.items()
	if v.kind == isText && b.fields.find("authors") != nil {
		people = nil
		for _, name := range strings.Split(v.text, ",") {
			people = append(people, value{kind: isText, text: name})
		}
	}
	var out []newsletter.Author
	for _, p := range people {
		x := author(p)
		known := slices.ContainsFunc(out, func(y newsletter.Author) bool { return strings.EqualFold(x.Name, y.Name) })
		if x.Name != "" && !known && len(out) < maxLabels && b.indexed(v, "authors", x.Name) {
			out = append(out, x)
		}
	}
	return out
}

func author(v value) newsletter.Author {
	if v.kind != isTable {
		name := markup.CleanLine(v.text)
		if i := strings.LastIndexByte(name, '<'); i > 0 && strings.HasSuffix(name, ">") && strings.Contains(name[i:], "@") {
			quoted := strings.TrimSpace(name[:i])
			if inner, ok := strings.CutPrefix(quoted, `"`); ok && strings.HasSuffix(inner, `"`) {
				quoted = strings.TrimSuffix(inner, `"`)
			}
			return newsletter.Author{Name: quoted, Email: strings.TrimSpace(name[i+1 : len(name)-1])}
		}
		return newsletter.Author{Name: name}
	}
	x := newsletter.Author{Name: markup.CleanLine(v.scalar("name", "title", "displayname", "id"))}
	if mail := markup.CleanLine(v.scalar("email", "mail")); strings.Contains(mail, "@") && !strings.Contains(mail, " ") {
		x.Email = mail
	}
	if u, err := url.Parse(markup.CleanLine(v.scalar("url", "link", "uri", "website", "homepage", "web"))); err == nil && u.Host != "" && isWeb(u) {
		x.URL = u.String()
	}
	return x
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// address sets slug, permalink and aliases.
func (b *builder) address() *Problem {
	a := &b.article
	a.Slug = b.name.slug
	if v := b.fields.get("slug"); v != nil {
		s := slugify(v.text)
		if v.kind != isText || s == "" {
			return b.problem(v, fmt.Sprintf("slug: %q has no letter or digit to make an address of", v.text), "write it in ASCII letters, as in a-small-boat")
		}
		a.Slug = s
	}
	if v := b.fields.get("url", "permalink"); v != nil {
		if broken := b.permalink(v); broken != nil {
			return broken
		}
	}
	for _, name := range []string{"aliases", "alias", "redirectfrom"} {
		v := b.fields.get(name)
		if v == nil {
			continue
		}
		for _, x := range v.items() {
			p := sitePath(x.text)
			if p != "" && p != "/" && p != a.Permalink && !slices.Contains(a.Aliases, p) && len(a.Aliases) < maxLabels && b.indexed(v, name, p) {
				a.Aliases = append(a.Aliases, p)
			}
		}
	}
	return nil
}

// permalink reads an absolute address, or a path of the site. One that is where
// the site puts articles anyway is a slug.
func (b *builder) permalink(v *value) *Problem {
	a := &b.article
	text := strings.TrimSpace(v.text)
	u, err := url.Parse(text)
	switch {
	case v.kind != isText || err != nil || u.Scheme != "" && (!isWeb(u) || u.Host == "") || u.Scheme == "" && u.Host != "":
		return b.problem(v, fmt.Sprintf("url: %q is neither an http address nor a path", v.text), "write /2026/a-small-boat/ or https://example.org/a-small-boat")
	case strings.Contains(text, "/:") || slices.Contains([]string{"pretty", "date", "ordinal", "weekdate", "none"}, text):
		b.warn(v, fmt.Sprintf("the permalink pattern %q is not known here and is ignored", text), "write the path itself")
		return nil
	case len(u.String()) > maxIndexed:
		return b.problem(v, fmt.Sprintf("url: has %d bytes, %d are allowed", len(u.String()), maxIndexed), "")
	case u.Host != "":
		a.Permalink = u.String()
		return nil
	}
	a.Permalink = sitePath(text)
	if a.Permalink == "/" {
		return b.problem(v, "url: an article cannot be the home page", "")
	}
	if slug, ok := strings.CutPrefix(strings.TrimSuffix(a.Permalink, "/"), "/articles/"); ok && slugify(slug) == slug {
		a.Permalink, a.Slug = "", slug
	}
	return nil
}

// sitePath normalises a reference to the path of the site that it means, escaped,
// with its closing slash if it has one; empty if it means none.
func sitePath(ref string) string {
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil || u.Opaque != "" || u.Path == "" {
		return ""
	}
	p := path.Clean("/" + u.Path)
	if strings.HasSuffix(u.Path, "/") && p != "/" {
		p += "/"
	}
	return (&url.URL{Path: markup.CleanLine(p)}).EscapedPath()
}
