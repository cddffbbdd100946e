package roster_test

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 65)
	for in, want := range map[string]string{
		"ann@example.org":           "ann@example.org",
		"  Ann@EXAMPLE.Org\u00a0":   "Ann@example.org",
		"anna@bücher.example":       "anna@xn--bcher-kva.example",
		"o'neil+news@example.co.uk": "o'neil+news@example.co.uk",
		"a@sub.例え.テスト":              "a@sub.xn--r8jz45g.xn--zckzah",
	} {
		got, err := roster.Address(in)
		if err != nil || got != want {
			t.Errorf("Address(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                        "empty",
		"ann":                     "no e-mail address",
		"@example.org":            "no e-mail address",
		"ann@":                    "no e-mail address",
		"ann@localhost":           "has no dot",
		"ann@[192.0.2.1]":         "IP number",
		"ann@192.0.2.1":           "no domain name",
		"ann@exam_ple.org":        "no domain name",
		"ann@-example.org":        "no domain name",
		"ann@example..org":        "no domain name",
		"an n@example.org":        "' ' cannot stand",
		"a@b@example.org":         "'@' cannot stand",
		`"ann"@example.org`:       "cannot stand",
		".ann@example.org":        "dot",
		"an..n@example.org":       "dot",
		"élise@example.org":       "outside ASCII",
		long + "@example.org":     "65 characters",
		"a@b.org\r\nBcc: c@d.org": "line end",
		"ann@example.org\n":       "line end",
		"a@" + strings.Repeat("abc.", 63) + "abcd": "no domain name",
	} {
		if got, err := roster.Address(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Address(%q) = %q, %v; want an error with %q", in, got, err, want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// utf16le is text as Windows writes it.
func utf16le(s string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in       string
		want     []newsletter.Line
		problems []string
	}{
		"any column order": {
			"Name,Topics,E-Mail\nAnn,sea|Web | sea,ann@example.org\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann"), Topics: ptr([]string{"sea", "web"})}},
			nil,
		},
		"where people live": {
			"nom;adresse;email\nAnn;1 quai des Brumes;ann@example.org\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann")}},
			[]string{`line 1: the column "adresse" is not known and ignored`},
		},
		"columns of another program": {
			"email,Shoe,first name,name,hat\nann@example.org,38,Ann,Ann,7\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann")}},
			[]string{`line 1: the columns "shoe", "first name", "hat" are not known and ignored`},
		},
		"an address without a better name": {
			"nom;adresse\nAnn;ann@example.org\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann")}},
			nil,
		},
		"semicolons, BOM, CRLF, quoted": {
			"\ufeffemail;nom;langue\r\nann@example.org;\"Ann; \"\"A\"\"\";fr-ca\r\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr(`Ann; "A"`), Language: ptr("fr-CA")}},
			nil,
		},
		"UTF-16, tabs, as spreadsheets call Unicode text": {
			utf16le("email\tname\r\nelise@example.org\tÉlise\r\n"),
			[]newsletter.Line{{N: 2, Email: "elise@example.org", Name: ptr("Élise")}},
			nil,
		},
		"a declared separator": {
			"sep=;\r\nemail;name;shoe\r\nann@example.org;A, B, C, D, E\r\nbo;Bo\r\n",
			[]newsletter.Line{{N: 3, Email: "ann@example.org", Name: ptr("A, B, C, D, E")}},
			[]string{
				`line 2: the column "shoe" is not known and ignored`,
				"line 4: that is no e-mail address: it needs a name, an @ and a domain",
			},
		},
		"an address with a line end": {
			"email,name\n\"eve@example.org\r\nBcc: all@example.org\",Eve\nann@example.org,Ann\n",
			[]newsletter.Line{{N: 4, Email: "ann@example.org", Name: ptr("Ann")}},
			[]string{"line 2: the address holds a line end"},
		},
		"a language tag without end": {
			"email,language\nann@example.org,en" + strings.Repeat("-x-aaaaaaaa", 4) + "\n",
			nil,
			[]string{`line 2: "en-x-aaaaaaaa-x-aaaaaaaa-x-aaaaaaaa-x-aaaaaaaa" is no language tag; write en, fr, pt-BR…`},
		},
		"names of several lines, with control characters": {
			"email,name\nann@example.org,\" Ann\n of\u00a0the\x07 sea\"\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann of\u00a0the sea")}},
			nil,
		},
		"Windows-1252": {
			"email,name\nelise@example.org,\xc9lise \x8cuvre\n",
			[]newsletter.Line{{N: 2, Email: "elise@example.org", Name: ptr("Élise Œuvre")}},
			nil,
		},
		"no header": {
			"ann@example.org\nbo@example.org\n",
			[]newsletter.Line{{N: 1, Email: "ann@example.org"}, {N: 2, Email: "bo@example.org"}},
			nil,
		},
		"short lines and blank ones": {
			"email,name,time_zone\n\nann@example.org\n , ,\nbo@example.org,Bo,Europe/Paris\n",
			[]newsletter.Line{
				{N: 3, Email: "ann@example.org", Name: ptr(""), TimeZone: ptr("")},
				{N: 5, Email: "bo@example.org", Name: ptr("Bo"), TimeZone: ptr("Europe/Paris")},
			},
			nil,
		},
		"bad lines are skipped": {
			"email,language,time_zone,shoe\nann,,,\nann@example.org,xx-invalid-language-tag,,\nann@example.org,,Mars/Base,\nbo@example.org,,,\nBO@example.org,,,\n",
			[]newsletter.Line{{N: 5, Email: "bo@example.org", Language: ptr(""), TimeZone: ptr("")}},
			[]string{
				`line 1: the column "shoe" is not known and ignored`,
				"line 2: that is no e-mail address: it needs a name, an @ and a domain",
				`line 3: "xx-invalid-language-tag" is no language tag; write en, fr, pt-BR…`,
				`line 4: "Mars/Base" is no time zone; write Europe/Paris, America/New_York…`,
				"line 6: the address is on line 5 already",
			},
		},
		"an unclosed quotation mark": {
			"email,name\nann@example.org,Ann\nbo@example.org,\"Bo\ncy@example.org,Cy\n",
			[]newsletter.Line{{N: 2, Email: "ann@example.org", Name: ptr("Ann")}},
			[]string{"line 3: a quotation mark is opened and not closed; lines 3 to 4 were not read"},
		},
		"people who left": {
			"email,status\nann@example.org,unsubscribed\nbo@example.org,confirmed\n",
			[]newsletter.Line{{N: 3, Email: "bo@example.org"}},
			[]string{`line 2: its state is "unsubscribed", only confirmed ones are read`},
		},
		"addresses one a line": {
			"# of the harbour\n\nann@example.org\nPryce, Carys <carys@example.net>\n\"Bo \\\"B\\\" O\" <bo@example.org>\ncy@example.org (Cy)\nnobody\n",
			[]newsletter.Line{
				{N: 3, Email: "ann@example.org"},
				{N: 4, Email: "carys@example.net", Name: ptr("Pryce, Carys")},
				{N: 5, Email: "bo@example.org", Name: ptr(`Bo "B" O`)},
				{N: 6, Email: "cy@example.org", Name: ptr("Cy")},
			},
			[]string{"line 7: that is no e-mail address: it needs a name, an @ and a domain"},
		},
		"empty": {"", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, problems, err := roster.ReadAll(strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("lines (- want, + got):\n%s", d)
			}
			var words []string
			for _, p := range problems {
				words = append(words, p.Error())
			}
			if d := cmp.Diff(c.problems, words); d != "" {
				t.Errorf("problems (- want, + got):\n%s", d)
			}
		})
	}
	if _, _, err := roster.ReadAll(strings.NewReader("name,shoe\nAnn,39\n")); err == nil || !strings.Contains(err.Error(), `"email"`) {
		t.Errorf("a list without addresses: %v", err)
	}
}

// Only from a list that was read as a whole can be told who is not on it.
func TestUnread(t *testing.T) {
	t.Parallel()
	for problem, want := range map[string]bool{
		"shoe\n":                            false, // in the header
		"bo@example.org,,unsubscribed\n":    false,
		"ANN@example.org,,\n":               false, // twice
		"bo at example.org,,\n":             true,
		"bo@example.org,xx-klingonese-x,\n": true,
		"bo@example.org,\"fr,\n":            true,
	} {
		head := "email,language,state\nann@example.org,,\n"
		if strings.HasPrefix(problem, "shoe") {
			head, problem = "email,language,state,"+problem, ""
		}
		_, problems, err := roster.ReadAll(strings.NewReader(head + problem))
		if err != nil || len(problems) != 1 || problems[0].Unread != want {
			t.Errorf("%q: %v %v, want unread %v", problem, err, problems, want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var list bytes.Buffer
	list.WriteString("email,name,language,topics,time_zone\n")
	const n = 10_000
	for i := range n {
		list.WriteString("reader" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "." + strconv.Itoa(i) + "@example.org,Reader,fr,sea|web,Europe/Paris\n")
	}
	b.SetBytes(int64(list.Len()))
	for b.Loop() {
		lines, _, err := roster.ReadAll(bytes.NewReader(list.Bytes()))
		if err != nil || len(lines) != n {
			b.Fatal(len(lines), err)
		}
	}
}
