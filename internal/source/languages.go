package source

import (
	"strings"
	"unicode/utf8"

	"github.com/abadojack/whatlanggo"
	"golang.org/x/text/language"

	"syndicate/internal/newsletter"
)

// languages knows the languages that a site is written in.
//
// Detection is by abadojack/whatlanggo, which tells English from French in a
// paragraph without fail and adds one megabyte to the program;
// pemistahl/lingua-go is right on three-word sentences too, but adds 131 MB.
type languages struct {
	fallback   string
	candidates []string
	detectable map[whatlanggo.Lang]bool
	tags       map[whatlanggo.Lang]string
}

func newLanguages(fallback string, candidates []string) *languages {
	l := &languages{fallback: canonicalLanguage(fallback), detectable: map[whatlanggo.Lang]bool{}, tags: map[whatlanggo.Lang]string{}}
	byCode := map[string]whatlanggo.Lang{}
	for lang := range whatlanggo.Langs {
		byCode[lang.Iso6391()] = lang
	}
	for _, c := range candidates {
		tag := canonicalLanguage(c)
		if tag == "" {
			continue
		}
		l.candidates = append(l.candidates, tag)
		base, _, _ := strings.Cut(tag, "-")
		lang, known := byCode[base]
		if !known || l.detectable[lang] { // en-GB and en-US are not told apart: the first wins
			continue
		}
		l.detectable[lang] = true
		l.tags[lang] = tag
	}
	return l
}

// A text with fewer words and fewer letters than these is too short to tell: on
// pieces of English and French that long, one guess in fifty is wrong of those
// that whatlanggo calls reliable, one in ten on three words. ("Welcome" is
// French, it is quite sure.) Not every language has spaces between words.
const (
	tellingWords   = 8
	tellingLetters = 60
)

// Detector returns a function that tells in which of some languages a text is;
// fallback where there is no choice or no telling.
func Detector(fallback string, candidates []string) func(text string) string {
	return newLanguages(fallback, candidates).detect
}

// CanonicalLanguage returns the BCP 47 form of a tag ("fr_ca" → "fr-CA"), empty if
// it is none.
func CanonicalLanguage(tag string) string { return canonicalLanguage(tag) }

// detect returns the language of a text, among the candidates; the fallback if
// there is no choice or no telling.
func (l *languages) detect(text string) string {
	if len(l.detectable) < 2 || len(strings.Fields(text)) < tellingWords && utf8.RuneCountInString(text) < tellingLetters {
		return l.fallback
	}
	info := whatlanggo.DetectWithOptions(text, whatlanggo.Options{Whitelist: l.detectable})
	if tag := l.tags[info.Lang]; tag != "" && info.IsReliable() {
		return tag
	}
	return l.fallback
}

// suffix returns the language that a file name's suffix names, empty if it is
// none: one of the site's, or two letters that are a well-known language.
func (l *languages) suffix(s string) string {
	tag := canonicalLanguage(s)
	if tag == "" || len(s) < 2 || len(s) > 11 {
		return ""
	}
	for _, c := range append([]string{l.fallback}, l.candidates...) {
		if c != "" && (newsletter.LanguageWithin(tag, c) || newsletter.LanguageWithin(c, tag)) {
			return tag
		}
	}
	base, _, _ := strings.Cut(tag, "-")
	for lang := range whatlanggo.Langs {
		if len(base) == 2 && lang.Iso6391() == base {
			return tag
		}
	}
	return ""
}

// canonicalLanguage returns the BCP 47 form of a tag ("fr_ca" → "fr-CA"), empty
// if it is none, or longer than those that are in use (RFC 5646 4.4.1: 35).
func canonicalLanguage(s string) string {
	if s == "" || len(s) > 35 {
		return ""
	}
	tag, err := language.Parse(s) // takes underscores
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}
