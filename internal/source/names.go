package source

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"syndicate/internal/newsletter"
)

// Jekyll's folders of articles; they name no section.
const (
	postsFolder  = "_posts"
	draftsFolder = "_drafts"
)

// nameInfo is what an article's path says about it.
type nameInfo struct {
	format   newsletter.Format
	language string    // of the suffix .fr.md, empty: none
	date     time.Time // midnight, zero: none
	words    string    // the name without date, language and extension; of the folder for a bundle
	slug     string
	section  string
	draft    bool // in _drafts
}

// formatOf returns the format of an article file, empty if it is none.
func formatOf(name string) newsletter.Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown":
		return newsletter.Markdown
	case ".html", ".htm":
		return newsletter.HTML
	case ".txt":
		return newsletter.PlainText
	}
	return ""
}

var (
	datedName  = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[-_ ]+(.*))?$`)
	yearFolder = regexp.MustCompile(`^(?:1[5-9]|2[01])\d\d$`)
	partFolder = regexp.MustCompile(`^[0-3]?\d$`) // a month or a day
)

// readName reads the slash-separated path of an article file.
func (d *Dir) readName(rel string) nameInfo {
	dir, base := path.Split(rel)
	n := nameInfo{format: formatOf(base)}
	n.words = strings.TrimSuffix(base, path.Ext(base))
	if i := strings.LastIndexByte(n.words, '.'); i > 0 {
		if tag := d.languages.suffix(n.words[i+1:]); tag != "" {
			n.language, n.words = tag, n.words[:i]
		}
	}
	var folders []string
	if dir != "" {
		folders = strings.Split(strings.TrimSuffix(dir, "/"), "/")
	}
	if n.words == "index" && len(folders) > 0 { // a page bundle is known by its folder
		n.words, folders = folders[len(folders)-1], folders[:len(folders)-1]
	}
	if m := datedName.FindStringSubmatch(n.words); m != nil {
		if t, err := time.ParseInLocation("2006-1-2", m[1]+"-"+m[2]+"-"+m[3], d.o.Location); err == nil {
			n.date = t
			if m[4] != "" {
				n.words = m[4]
			}
		}
	}
	if n.slug = slugify(n.words); n.slug == "" {
		sum := sha256.Sum256([]byte(rel))
		n.slug = "article-" + hex.EncodeToString(sum[:4])
	}
	n.section, n.draft = sectionOf(folders)
	return n
}

// sectionOf joins the folders that say what an article is about: not those of
// Jekyll, nor years with their months and days.
func sectionOf(folders []string) (section string, draft bool) {
	var kept []string
	dated := 0
	for _, f := range folders {
		switch {
		case f == postsFolder:
		case f == draftsFolder:
			draft = true
		case yearFolder.MatchString(f):
			dated = 1
			continue
		case dated > 0 && dated < 3 && partFolder.MatchString(f):
			dated++
			continue
		default:
			kept = append(kept, f)
		}
		dated = 0
	}
	return strings.Join(kept, "/"), draft
}

// plainLetters are letters that Unicode does not decompose.
var plainLetters = strings.NewReplacer(
	"ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h", "ŋ", "ng",
)

const maxSlug = 100

// Slug makes a slug of a title, empty if it has no letter or digit to make one of.
func Slug(title string) string { return slugify(title) }

// slugify makes a slug of ASCII letters, digits, hyphens and underscores, empty
// if nothing is left.
func slugify(s string) string {
	s = norm.NFKD.String(plainLetters.Replace(strings.ToLower(s)))
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		case unicode.IsMark(r): // accents
		default:
			gap = true
		}
	}
	slug := b.String()
	if len(slug) > maxSlug {
		slug = slug[:maxSlug]
		if i := strings.LastIndexByte(slug, '-'); i > maxSlug/2 {
			slug = slug[:i]
		}
	}
	return strings.Trim(slug, "-_")
}

// titleFromName makes a title of a file's name, as a last resort.
func titleFromName(words string) string {
	words = strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(words))
	r := []rune(words)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}
