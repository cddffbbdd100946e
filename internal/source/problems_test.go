package source_test

import (
	"strings"
	"testing"

	"syndicate/internal/source"
)

func testDir(t testing.TB) *source.Dir {
	t.Helper()
	return source.NewDir(source.DirOptions{
		Name: "articles", Root: t.TempDir(), Label: "articles", SiteURL: "https://news.example.org", Language: "en", Languages: []string{"en", "fr"}, Location: paris(t),
	})
}

// Each broken file is told with its place in the file, front matter delimiters
// and all, and a hint that fits.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, content, problem, hint string }{
		{"colon in a value", "a.md", "---\ntitle: Nets: a study\n---\nText.\n", "articles/a.md:2:12: front matter is not valid YAML: mapping values are not allowed in this context", "colon and a space"},
		{"colon in a later value", "a.md", "---\ntitle: Nets\ntags: [a]\nsummary: Two things: one\ndate: 2026-01-01\n---\nText.\n", "articles/a.md:4:20: front matter is not valid YAML: mapping values", "colon and a space"},
		{"colon after accents", "a.md", "---\ntitle: Été: là\n---\n", "articles/a.md:2:11: front matter is not valid YAML: mapping values", "colon"},
		{"tab", "a.md", "---\ntitle: Nets\ntags:\n\t- a\n---\n", "articles/a.md:4:1: front matter is not valid YAML: found character that cannot start any token", "spaces, not with tabs"},
		{"open quote", "a.md", "---\ntitle: \"Nets\ndate: 2026-01-01\nsummary: x\n---\n", "articles/a.md:2:8: front matter is not valid YAML: found unexpected end of stream", "never closed"},
		{"quote inside", "a.md", "---\ndate: 2026-01-01\ntitle: \"Nets\" and ropes\n---\n", "articles/a.md:3:13: front matter is not valid YAML: did not find expected key", "ends the value here"},
		{"apostrophe inside", "a.md", "---\ndate: 2026-01-01\ntitle: 'It's a net'\n---\n", "articles/a.md:3:11: front matter is not valid YAML: did not find expected key", "ends the value here"},
		{"at sign", "a.md", "---\nauthor: @someone\n---\n", "articles/a.md:2:9: front matter is not valid YAML: found character that cannot start any token", "begins with @"},
		{"asterisk", "a.md", "---\nx: 1\ntitle: *Nets*\n---\n", "articles/a.md:3:8: front matter is not valid YAML: ", "begins with *"},
		{"open list", "a.md", "---\ntitle: x\ntags: [a, b\ndate: 2026-01-01\n---\n", "front matter is not valid YAML", "quotes"},
		{"bad indent", "a.md", "---\ntitle: x\n  date: 2026-01-01\n---\n", "articles/a.md:3", ""},
		{"missing space", "a.md", "---\ntitle:x\ndate: 2026-01-01\n---\n", "articles/a.md:", "quotes"},
		{"no fields", "a.md", "---\njust text\n---\n", "articles/a.md:2: front matter is no list of fields", "name: value"},
		{"twice", "a.md", "---\ntitle: x\ndate: 2026-01-01\ntitle: y\n---\n", "articles/a.md:4:1: title is given twice, first in line 2", "remove"},
		{"never ends", "a.md", "---\ntitle: x\n\nText.\n", "articles/a.md:1: front matter begins with --- and never ends", "---"},
		{"with BOM and CRLF", "a.md", "\xEF\xBB\xBF---\r\ndate: 2026-01-01\r\ntitle: Nets: a study\r\n---\r\n", "articles/a.md:3:12: front matter", "colon"},
		{"aliases that multiply", "a.md", "---\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n---\n", "nested too deeply or refers to itself", ""},
		{"alias of itself", "a.md", "---\na: &a [*a]\n---\n", "articles/a.md:2: front matter is nested too deeply or refers to itself", ""},
		{"deep", "a.md", "---\na: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n---\n", "nested too deeply", ""},
		{"long", "a.md", "---\na: " + strings.Repeat("x", 70_000) + "\n---\n", "articles/a.md:1: front matter is longer than 64 KB", ""},

		{"TOML without quotes", "a.md", "+++\ndate = 2026-01-01\ntitle = Nets\n+++\n", "articles/a.md:3:9: front matter is not valid TOML: ", "quotes"},
		{"TOML twice", "a.md", "+++\ntitle = 'x'\ntitle = 'y'\n+++\n", "articles/a.md:3", ""},
		{"TOML never ends", "a.md", "+++\ntitle = 'x'\n", "articles/a.md:1: front matter begins with +++ and never ends", "+++"},
		{"JSON comma", "a.md", "{\n  \"title\": \"x\",\n}\n\nText.\n", "articles/a.md:3:1: front matter is not valid JSON: ", "none after the last"},
		{"JSON never ends", "a.md", "{\n  \"title\": \"x\"\n", "articles/a.md:3:1: front matter is not valid JSON: it never ends", ""},

		{"date", "a.md", "---\ntitle: x\ndate: next Tuesday\n---\n", `articles/a.md:3:7: date: "next Tuesday" is no date`, "2026-10-28"},
		{"date in TOML", "a.md", "+++\ntitle = 'x'\ndate = 'next Tuesday'\n+++\n", `articles/a.md:3:1: date: "next Tuesday" is no date`, "2026-10-28"},
		{"date in JSON", "a.md", "{\n  \"title\": \"x\",\n  \"date\": \"soon\"\n}\n", `articles/a.md:3:3: date: "soon" is no date`, "2026-10-28"},
		{"day or month first", "a.md", "---\ndate: 02/03/2026\n---\n", `articles/a.md:2:7: date: "02/03/2026" is no date`, "2026-10-28"},
		{"day that is none", "a.md", "---\ndate: 2026-02-30\n---\n", `"2026-02-30" is no date`, ""},
		{"updated", "a.md", "---\nlastmod: x\n---\n", `articles/a.md:2:10: updated: "x" is no date`, ""},
		{"draft", "a.md", "---\ndraft: perhaps\n---\n", `articles/a.md:2:8: draft: "perhaps" is neither true nor false`, ""},
		{"title", "a.md", "---\ntitle: [a, b]\n---\n", "articles/a.md:2:8: the title is no text", "quotes"},
		{"id", "a.md", "---\nid: [a, b]\n---\n", "articles/a.md:2:5: the id is no text", ""},
		{"slug", "a.md", "---\nslug: 漢字\n---\n", `articles/a.md:2:7: slug: "漢字" has no letter or digit`, "ASCII"},
		{"url", "a.md", "---\nurl: javascript:alert(1)\n---\n", "articles/a.md:2:6: url: ", "/2026/"},
		{"long url", "a.md", "---\nurl: /" + strings.Repeat("é", 200) + "\n---\n", "articles/a.md:2:6: url: has 1201 bytes, 1000 are allowed", ""},
		{"home page", "a.md", "---\nurl: /\n---\n", "articles/a.md:2:6: url: an article cannot be the home page", ""},

		{"empty", "a.md", "", "articles/a.md: is empty", "title or a text"},
		{"empty but for front matter", "a.md", "---\ntags: [a]\n---\n \n", "articles/a.md: is empty", ""},
		{"empty text", "a.txt", "\n\n", "articles/a.txt: is empty", ""},
		{"empty page", "a.html", "<!doctype html><title></title>", "articles/a.html: is empty", ""},

		{"NUL", "a.txt", "Title\n\nSome\x00thing\n", "articles/a.txt:3:5: holds the control character U+0000", "ignore"},
		{"escape", "a.md", "---\ntitle: x\n---\n\n\x1b[31mRed\n", "articles/a.md:5:1: holds the control character U+001B", "remove"},
		{"broken UTF-8", "a.md", "# Été\n\nÇa va, là ? \xE9\n", "articles/a.md:3:13: holds the byte 0xE9, which is not valid UTF-8", "UTF-8"},
		{"no 1252 either", "a.md", "Title\n\nText \x81\n", "articles/a.md:3:6: is neither UTF-8 nor Windows-1252: it holds the byte 0x81", "UTF-8"},
		{"half UTF-16", "a.md", "\xFF\xFEa\x00b", "articles/a.md: is UTF-16 with half a character at its end", "UTF-8"},
		{"deep HTML", "a.html", strings.Repeat("<div>", 2000), "articles/a.html: is HTML that cannot be parsed", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile(c.file, []byte(c.content))
			if ok || len(problems) == 0 {
				t.Fatalf("taken as %+v with problems %v", a, problems)
			}
			p := problems[len(problems)-1]
			if !strings.Contains(p.Error(), c.problem) || p.Warning {
				t.Errorf("problem %q, want %q", p.Error(), c.problem)
			}
			if !strings.Contains(p.Hint, c.hint) {
				t.Errorf("hint %q, want %q", p.Hint, c.hint)
			}
		})
	}
}

// Doubtful files are taken, with a warning.
func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, content, problem string }{
		{"no title", "small-boats.md", "Text.\n", `articles/small-boats.md: has no title; "Small boats" is made of its name`},
		{"language", "a.md", "---\ntitle: x\nlanguage: Klingonese!\n---\n", `articles/a.md:3:11: language: "Klingonese!" is no language tag`},
		{"long language", "a.md", "---\ntitle: x\nlanguage: en-x-" + strings.Repeat("aaaaaaaa-", 4) + "a\n---\n", `articles/a.md:3:11: language: "en-x-aaaaaaaa-`},
		{"expiry", "a.md", "---\ntitle: x\nexpiryDate: 2027-01-01\n---\n", "articles/a.md:3:13: expiry dates are not kept to"},
		{"pattern", "a.md", "---\ntitle: x\npermalink: /:year/:title/\n---\n", `articles/a.md:3:12: the permalink pattern "/:year/:title/" is not known here`},
		{"long tag", "a.md", "---\ntitle: x\ntags: [" + strings.Repeat("x", 1001) + "]\n---\n", "articles/a.md:3:7: tags: has 1001 bytes, 1000 are allowed; it is not used"},
		{"long name", "a.md", "---\ntitle: x\nauthor: " + strings.Repeat("x", 1001) + "\n---\n", "articles/a.md:3:9: authors: has 1001 bytes"},
		{"long section", "a.md", "---\ntitle: x\nsection: " + strings.Repeat("x/", 501) + "\n---\n", "articles/a.md:3:10: section: has 1002 bytes"},
		{"long alias", "a.md", "---\ntitle: x\naliases: /" + strings.Repeat("x", 1001) + "\n---\n", "articles/a.md:3:10: aliases: has 1002 bytes"},
		{"picture", "a.md", "---\ntitle: x\nimage: javascript:x\n---\n", `articles/a.md:3:8: image: "javascript:x" is no reference to a picture`},
		{"converted wrongly", "a.md", "---\ntitle: x\n---\nl\u0092été\n", "articles/a.md:4:2: holds the character U+0092, left by a wrong conversion; it is read as ’"},
		{"lost characters", "a.md", "---\ntitle: x\n---\nl\uFFFDété\n", "articles/a.md:4:2: holds the character U+FFFD, left by a wrong conversion; it is dropped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems, ok := testDir(t).ParseFile(c.file, []byte(c.content))
			if !ok || len(problems) != 1 {
				t.Fatalf("taken %t, problems %v", ok, problems)
			}
			if p := problems[0]; !strings.Contains(p.Error(), c.problem) || !p.Warning {
				t.Errorf("problem %q, want the warning %q", p.Error(), c.problem)
			}
		})
	}
}
