package mailer_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// content is a digest with each placeholder in both parts, one of them where a
// soft line break is due.
func content() mailer.Content {
	return mailer.Content{
		From:    mail.Address{Name: "Le Journal", Address: "news@example.org"},
		ReplyTo: mail.Address{Address: "editor@example.org"},
		Subject: "L’été à Paris : « dix idées » pour une promenade au bord de l’eau, et une de plus",
		HTML: "<!doctype html>\n<html lang=\"fr\"><body><p>Bonjour " + newsletter.PlaceholderName + " !</p>\n" +
			"<p>" + strings.Repeat("Une phrase assez longue, avec des accents : été, où, ça. ", 3) + "</p>\n" +
			"<p>" + strings.Repeat("x", 55) + "<a href=\"" + newsletter.PlaceholderUnsubscribe + "\">se désabonner</a>\n" +
			"<a href=\"" + newsletter.PlaceholderPreferences + "\">préférences</a> " + newsletter.PlaceholderAddress + "</p><a href=\"" + newsletter.PlaceholderWeb + "\">en ligne</a></body></html>\n",
		Text: "Bonjour " + newsletter.PlaceholderName + ",\n\n.un point au début de la ligne\n" +
			newsletter.PlaceholderUnsubscribe + "\n" + newsletter.PlaceholderPreferences + newsletter.PlaceholderAddress + "\n" + newsletter.PlaceholderWeb + "\nfin",
		Language:    "fr",
		ListName:    "Le Journal du quartier",
		ListID:      "daily.news.example.org",
		ListHelp:    "https://news.example.org/newsletters/daily",
		ListArchive: "https://news.example.org/newsletters/daily",
		FeedbackID:  "12:daily:news",
		Precedence:  "list",
	}
}

func personal() mailer.Personal {
	return mailer.Personal{
		To:             mail.Address{Name: "Zoë Müller", Address: "zoe@example.net"},
		Date:           time.Date(2031, 3, 5, 7, 30, 0, 0, time.FixedZone("", 3600)),
		MessageID:      "0123456789abcdef0123456789abcdef@example.org",
		UnsubscribeURL: "https://news.example.org/unsubscribe/AXUBAWRhaWx5c2Vj_cmV0c2VjcmV0c2Vjcg?a=1&b=2",
		PreferencesURL: "https://news.example.org/preferences/AXABAWRhaWx5c2VjcmV0c2VjcmV0c2Vjcg",
		UnsubscribeTo:  "unsubscribe+key@example.org",
		WebURL:         "https://news.example.org/read/AXIBAgFkYWlseXNlY3JldHNlY3JldHNlY3I",
		Name:           "Zoë <Müller> & \"fils\"",
		MaskedAddress:  "z…@example.net",
	}
}

func build(t testing.TB, c mailer.Content) *mailer.Template {
	t.Helper()
	tpl, err := mailer.NewTemplate(c)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// read takes a message apart with the standard library and checks its form.
func read(t rapid.TB, raw []byte) (h mail.Header, parts map[string]string) {
	t.Helper()
	if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) || bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\r")) {
		t.Fatal("a line end that is not CRLF")
	}
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Fatal("a last line without an end")
	}
	for i, c := range raw {
		if c > '~' || c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			t.Fatalf("octet %d is %#x", i, c)
		}
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || len(line) > 76 && i > bytes.Count(head, []byte("\r\n")) {
			t.Fatalf("line %d has %d octets: %s", i+1, len(line), line)
		}
		if len(line) > 0 && line[0] == '.' {
			t.Fatalf("line %d begins with a dot: %s", i+1, line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	parts = map[string]string{}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "multipart/alternative" {
		if params["charset"] != "UTF-8" || m.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("content type %q, encoding %q", m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"))
		}
		parts[kind] = decode(t, m.Body)
		return m.Header, parts
	}
	order := ""
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || params["charset"] != "UTF-8" || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part %v: %v", p.Header, err)
		}
		order += kind + " "
		parts[kind] = decode(t, p)
	}
	if order != "text/plain text/html " {
		t.Fatalf("parts: %s", order)
	}
	return m.Header, parts
}

func decode(t rapid.TB, r io.Reader) string {
	b, err := io.ReadAll(quotedprintable.NewReader(r))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAppend(t *testing.T) {
	t.Parallel()
	c, p := content(), personal()
	raw := build(t, c).Append(nil, p)
	h, parts := read(t, raw)

	dec := new(mime.WordDecoder)
	subject, err := dec.DecodeHeader(h.Get("Subject"))
	if err != nil || subject != c.Subject {
		t.Errorf("Subject %q, %v", subject, err)
	}
	to, err := h.AddressList("To")
	if err != nil || len(to) != 1 || *to[0] != p.To {
		t.Errorf("To %v, %v", to, err)
	}
	date, err := h.Date()
	if err != nil || !date.Equal(p.Date) {
		t.Errorf("Date %v, %v", date, err)
	}
	for name, want := range map[string]string{
		"From":                  `"Le Journal" <news@example.org>`,
		"Reply-To":              "editor@example.org",
		"Message-Id":            "<" + p.MessageID + ">",
		"List-Id":               `"Le Journal du quartier" <daily.news.example.org>`,
		"List-Unsubscribe":      "<" + p.UnsubscribeURL + ">, <mailto:unsubscribe+key@example.org>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"List-Help":             "<https://news.example.org/newsletters/daily>",
		"List-Archive":          "<https://news.example.org/newsletters/daily>",
		"Content-Language":      "fr",
		"Feedback-Id":           "12:daily:news",
		"Precedence":            "list",
		"Mime-Version":          "1.0",
	} {
		if got := h[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"User-Agent", "X-Mailer", "Auto-Submitted", "X-Auto-Response-Suppress"} {
		if h.Get(name) != "" {
			t.Errorf("there is a %s", name)
		}
	}

	fill := func(s, name, url string) string {
		return strings.NewReplacer("\n", "\r\n", newsletter.PlaceholderName, name, newsletter.PlaceholderUnsubscribe, url,
			newsletter.PlaceholderPreferences, p.PreferencesURL, newsletter.PlaceholderAddress, p.MaskedAddress, newsletter.PlaceholderWeb, p.WebURL).Replace(s)
	}
	want := map[string]string{
		"text/plain": fill(c.Text, p.Name, p.UnsubscribeURL),
		"text/html":  fill(c.HTML, "Zoë &lt;Müller&gt; &amp; &#34;fils&#34;", strings.ReplaceAll(p.UnsubscribeURL, "&", "&amp;")),
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Error(diff)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got := build(t, content()).Append(nil, personal())
	file := filepath.Join("testdata", "digest.eml")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", file, diff)
	}
}

func TestAppendIsStable(t *testing.T) {
	t.Parallel()
	a, b := build(t, content()), build(t, content())
	p := personal()
	first := a.Append([]byte("kept"), p)
	p.Name, p.To.Address = "Somebody Else", "else@example.net"
	_ = a.Append(nil, p)
	if second := b.Append([]byte("kept"), personal()); !bytes.Equal(first, second) {
		t.Error("two templates of one content differ, or a recipient left traces")
	}
	if size := a.Size(); size < len(first) || size > len(first)+8192 {
		t.Errorf("Size %d, a message has %d", size, len(first))
	}
}

func TestListUnsubscribe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, mailbox, want, post string }{
		{"https://example.org/u/1", "", "<https://example.org/u/1>", "List-Unsubscribe=One-Click"},
		{"http://localhost:8080/u/1", "", "<http://localhost:8080/u/1>", ""}, // RFC 8058 wants https
		{"http://localhost:8080/u/1", "u@example.org", "<http://localhost:8080/u/1>, <mailto:u@example.org>", ""},
		{"", "u@example.org", "<mailto:u@example.org>", ""},
		{"", "", "", ""},
		{"https://example.org/" + strings.Repeat("x", 1000), "", "", ""},
		{"https://example.org/" + strings.Repeat("é", 400), "u@example.org", "<mailto:u@example.org>", ""},
		{"https://example.org/\r\nBcc: x@example.org>", "", "<https://example.org/%0D%0ABcc:%20x@example.org%3E>", "List-Unsubscribe=One-Click"},
	} {
		c, p := content(), personal()
		p.UnsubscribeTo, p.UnsubscribeURL = tt.mailbox, tt.url
		h, _ := read(t, build(t, c).Append(nil, p))
		if got := h.Get("List-Unsubscribe"); got != tt.want {
			t.Errorf("%.40q, %q: List-Unsubscribe %q, want %q", tt.url, tt.mailbox, got, tt.want)
		}
		if got := h.Get("List-Unsubscribe-Post"); got != tt.post {
			t.Errorf("%.40q, %q: List-Unsubscribe-Post %q, want %q", tt.url, tt.mailbox, got, tt.post)
		}
	}
}

func TestSinglePart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		content mailer.Content
		kind    string
		want    string
	}{
		{mailer.Content{Text: newsletter.PlaceholderName}, "text/plain", "A & B \r\n"},
		{mailer.Content{HTML: newsletter.PlaceholderName + "\n!"}, "text/html", "A &amp; B \r\n!\r\n"}, // the space must survive
		{mailer.Content{Text: "a\rb\r\nc\n"}, "text/plain", "a\r\nb\r\nc\r\n"},
	} {
		tt.content.From.Address = "news@example.org"
		tt.content.AutoSubmitted = "auto-generated"
		p := personal()
		p.Name = "A & B "
		h, parts := read(t, build(t, tt.content).Append(nil, p))
		if diff := cmp.Diff(map[string]string{tt.kind: tt.want}, parts); diff != "" {
			t.Error(diff)
		}
		if h.Get("Auto-Submitted") != "auto-generated" {
			t.Error("no Auto-Submitted")
		}
	}
}

func TestNewTemplateRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*mailer.Content){
		`the sender address: "" is not an address`:          func(c *mailer.Content) { c.From.Address = "" },
		`the sender address: "a@b\r\nBcc: c" holds "\r"`:    func(c *mailer.Content) { c.From.Address = "a@b\r\nBcc: c" },
		`the reply address: "é@example.org" holds "\xc3"`:   func(c *mailer.Content) { c.ReplyTo.Address = "é@example.org" },
		`List-Id: "a b" holds a character that does not`:    func(c *mailer.Content) { c.ListID = "a b" },
		`List-Help: "x\n" holds a character that does not`:  func(c *mailer.Content) { c.ListHelp = "x\n" },
		`Feedback-ID: 501 octets are too long, at most 500`: func(c *mailer.Content) { c.FeedbackID = strings.Repeat("x", 501) },
		"the message has neither an HTML nor a text part":   func(c *mailer.Content) { c.HTML, c.Text = "", "" },
		"the HTML part is not UTF-8":                        func(c *mailer.Content) { c.HTML = "\xff" },
		"the text part is not UTF-8":                        func(c *mailer.Content) { c.Text = "\xff" },
	} {
		c := content()
		change(&c)
		if _, err := mailer.NewTemplate(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestNobodysName: what stands in a message for a name is for those only who have
// none.
func TestNobodysName(t *testing.T) {
	t.Parallel()
	c := content()
	for _, otherwise := range []string{"", "reader", "cher ami, chère amie & " + strings.Repeat("tout le monde ", 20)} {
		hello := "Hello " + newsletter.PlaceholderName + otherwise + newsletter.PlaceholderNameEnd
		c.Text = hello + ",\n" + hello + "\n"
		c.HTML = "<p>" + hello + "</p>"
		tpl, p := build(t, c), personal()
		for name, want := range map[string]string{"": otherwise, " ": otherwise, "Ann <b>": "Ann <b>"} {
			p.Name = name
			_, parts := read(t, tpl.Append(nil, p))
			if got, want := parts["text/plain"], "Hello "+want+",\r\nHello "+want+"\r\n"; got != want {
				t.Errorf("%q: %q, want %q", name, got, want)
			}
			html := strings.NewReplacer("Ann <b>", "Ann &lt;b&gt;").Replace(want)
			if got, want := parts["text/html"], "<p>Hello "+html+"</p>"; got != want {
				t.Errorf("%q: %q, want %q", name, got, want)
			}
		}
	}
}

// TestAnyValue: whatever a subscriber is called and wherever placeholders stand,
// the message keeps its form and says what it was told.
func TestAnyValue(t *testing.T) {
	t.Parallel()
	placeholders := []string{newsletter.PlaceholderUnsubscribe, newsletter.PlaceholderPreferences, newsletter.PlaceholderName, newsletter.PlaceholderAddress, newsletter.PlaceholderWeb}
	words := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom(placeholders),
		rapid.StringMatching(`[ -~]{0,90}`),
		rapid.StringMatching(`[.]{0,90}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("éà « » \u00a0.=\n\t日𝄞")), 0, 40, -1),
	), 1, 12)
	rapid.Check(t, func(t *rapid.T) {
		c := content()
		c.Subject = "S" + rapid.String().Draw(t, "subject")
		c.From.Name, c.ListName = rapid.String().Draw(t, "from"), rapid.String().Draw(t, "list")
		c.Text = strings.ReplaceAll(strings.Join(words.Draw(t, "text"), ""), "\r", "") + "."
		c.HTML = strings.ReplaceAll(strings.Join(words.Draw(t, "html"), ""), "\r", "") + "."
		tpl, err := mailer.NewTemplate(c)
		if err != nil {
			t.Fatal(err)
		}
		p := personal()
		p.Name = rapid.OneOf(rapid.String(), rapid.StringMatching(`[.x]{0,200}`)).Draw(t, "name")
		p.To.Name = p.Name
		p.MaskedAddress = rapid.String().Draw(t, "address")
		p.UnsubscribeURL = "https://example.org/" + rapid.StringMatching(`[a-zA-Z0-9_=&?.-]{0,200}`).Draw(t, "url")
		h, parts := read(t, tpl.Append(nil, p))

		to, err := h.AddressList("To")
		if err != nil || to[0].Address != p.To.Address {
			t.Fatalf("To: %v, %v", to, err)
		}
		if got, want := to[0].Name, strings.TrimSpace(spaced(p.Name)); strings.TrimSpace(got) != want {
			t.Fatalf("name %q, want %q", got, want)
		}
		if from, err := h.AddressList("From"); err != nil || from[0].Address != c.From.Address {
			t.Fatalf("From: %v, %v", from, err)
		}
		if len(h["Date"]) != 1 || len(h["Message-Id"]) != 1 || len(h) != 16 {
			t.Fatalf("headers: %v", h)
		}
		for kind, s := range map[string]string{"text/plain": c.Text, "text/html": c.HTML} {
			escape := func(s string) string { return s }
			if kind == "text/html" {
				escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace
			}
			want := strings.NewReplacer("\n", "\r\n",
				placeholders[0], escape(p.UnsubscribeURL), placeholders[1], escape(p.PreferencesURL),
				placeholders[2], escape(spaced(p.Name)), placeholders[3], escape(spaced(p.MaskedAddress)), placeholders[4], escape(p.WebURL)).Replace(s)
			if parts[kind] != want {
				t.Fatalf("%s:\n%q\nwant\n%q", kind, parts[kind], want)
			}
		}
	})
}

// spaced is a value without its control characters.
func spaced(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s)
}

func BenchmarkNewTemplate(b *testing.B) {
	c := bigContent()
	for b.Loop() {
		build(b, c)
	}
}

// BenchmarkAppend splices one recipient into a message of 38 KB.
func BenchmarkAppend(b *testing.B) {
	tpl, p := build(b, bigContent()), personal()
	buf := tpl.Append(nil, p)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = tpl.Append(buf[:0], p)
	}
}

func bigContent() mailer.Content {
	c := content()
	c.HTML = strings.Replace(c.HTML, "</p>", "</p>"+strings.Repeat("<p>Une phrase d’un digest, avec ses accents et ses balises.</p>\n", 380), 1)
	c.Text = strings.Repeat("Une phrase d’un digest, avec ses accents.\n", 80) + c.Text
	return c
}
