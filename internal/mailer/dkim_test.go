package mailer_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"pgregory.net/rapid"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// The keys of tests, made once: an RSA key takes a while.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// key is one of example.org's keys: its selector says which, "rsa" or "ed".
func key(t rapid.TB, domain, selector string) *mailer.Key {
	t.Helper()
	var private crypto.PrivateKey = edKey()
	if selector == "rsa" {
		private = rsaKey()
	}
	k, err := mailer.NewKey(domain, selector, private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keys(t rapid.TB, selectors ...string) []*mailer.Key {
	t.Helper()
	var list []*mailer.Key
	for _, s := range selectors {
		list = append(list, key(t, "example.org", s))
	}
	return list
}

// zone is the DNS that has the public halves of keys.
func zone(keys ...*mailer.Key) func(string) ([]string, error) {
	return func(name string) ([]string, error) {
		for _, k := range keys {
			if k.RecordName() == name {
				return []string{k.Record()}, nil
			}
		}
		return nil, fmt.Errorf("no record %s", name)
	}
}

// verify returns how go-msgauth finds each signature.
func verify(t rapid.TB, raw []byte, keys ...*mailer.Key) []*dkim.Verification {
	t.Helper()
	list, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: zone(keys...)})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// good wants n signatures, all of them right.
func good(t rapid.TB, raw []byte, n int, keys ...*mailer.Key) {
	t.Helper()
	list := verify(t, raw, keys...)
	if len(list) != n {
		t.Fatalf("%d signatures, want %d", len(list), n)
	}
	for i, v := range list {
		if v.Err != nil {
			t.Fatalf("signature %d: %v\n%s", i+1, v.Err, raw)
		}
	}
}

func signed(t rapid.TB, keys ...*mailer.Key) mailer.Content {
	t.Helper()
	c := content()
	c.Signer = mailer.NewSigner(keys...)
	return c
}

// head returns the unfolded value of the nth field of that name, or "".
func head(raw []byte, name string, n int) string {
	h, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	h = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(h)
	for line := range strings.SplitSeq(h, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			if n == 0 {
				return strings.TrimSpace(value)
			}
			n--
		}
	}
	return ""
}

func TestSigned(t *testing.T) {
	t.Parallel()
	list := keys(t, "ed", "rsa")
	c := signed(t, list...)
	raw := build(t, c).Append([]byte("kept"), personal())
	if !bytes.HasPrefix(raw, []byte("keptDKIM-Signature: v=1; a=rsa-sha256; ")) {
		t.Fatalf("the RSA signature is not the first: %.100s", raw)
	}
	raw = raw[4:]
	read(t, raw)
	good(t, raw, 2, list...)
	for _, name := range []string{
		"From", "Subject", "To", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Language",
		"Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Archive", "Feedback-ID", "Precedence",
	} {
		for n := range 2 {
			if !strings.Contains(tag(head(raw, "DKIM-Signature", n), "h"), name) {
				t.Errorf("signature %d does not cover %s", n, name)
			}
		}
	}
	if got := head(raw, "DKIM-Signature", 1); tag(got, "a") != "ed25519-sha256" || tag(got, "d") != "example.org" ||
		tag(got, "s") != "ed" || tag(got, "t") != fmt.Sprint(personal().Date.Unix()) || tag(got, "c") != "relaxed/relaxed" {
		t.Errorf("the second signature: %s", got)
	}
	signatures, _, _ := strings.Cut(string(raw), "\r\nDate:")
	for line := range strings.SplitSeq(signatures, "\r\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d octets: %s", len(line), line)
		}
	}
	if size := build(t, c).Size(); size < len(raw) || size > len(raw)+8192 {
		t.Errorf("Size %d, a message has %d", size, len(raw))
	}
}

// tag is the value of a tag of a DKIM-Signature, without white space.
func tag(field, name string) string {
	m := regexp.MustCompile(`(?:^|;)\s*` + name + `=([^;]*)`).FindStringSubmatch(field)
	if m == nil {
		return ""
	}
	return strings.Join(strings.Fields(m[1]), "")
}

func TestSignerKeys(t *testing.T) {
	t.Parallel()
	s := mailer.NewSigner(key(t, "example.org", "ed"), key(t, "Example.ORG.", "rsa"), key(t, "news.example.org", "ed"), key(t, "example.com", "ed"))
	for address, want := range map[string]string{
		"a@example.org":             "rsa.example.org ed.example.org",
		"a@EXAMPLE.org":             "rsa.example.org ed.example.org",
		"a@news.example.org":        "ed.news.example.org",
		"a@daily.news.example.org":  "ed.news.example.org",
		"a@other.example.org":       "rsa.example.org ed.example.org",
		"a@example.com":             "ed.example.com",
		"a@badexample.com":          "",
		"a@example.net":             "",
		"a@org":                     "",
		"":                          "",
		"a@example.com.example.net": "",
	} {
		var got []string
		for _, k := range s.Keys(address) {
			got = append(got, k.Selector+"."+k.Domain)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is signed by %q, want %q", address, got, want)
		}
	}
	if (*mailer.Signer)(nil).Keys("a@example.org") != nil {
		t.Error("no signer has keys")
	}
}

// TestEveryOctetCounts changes a signed message one octet at a time.
func TestEveryOctetCounts(t *testing.T) {
	t.Parallel()
	k := key(t, "example.org", "ed")
	c := signed(t, k)
	c.HTML, c.Text = "<p>"+newsletter.PlaceholderName+" a  b </p>\n", "text\n\n "+newsletter.PlaceholderUnsubscribe
	raw := build(t, c).Append(nil, personal())
	good(t, raw, 1, k)
	from := bytes.Index(raw, []byte("\r\nDate: ")) + 2
	last := len(bytes.TrimRight(raw, "\r\n"))
	for i := from; i < last; i++ {
		was := raw[i]
		if was == ' ' || was == '\r' || was == '\n' {
			continue // relaxed: some white space may change
		}
		raw[i] = 'x'
		if was|0x20 == 'x' {
			raw[i] = 'y'
		}
		for _, v := range verify(t, raw, k) {
			if v.Err == nil {
				t.Errorf("octet %d may change: %q", i, raw[max(0, i-20):i+20])
			}
		}
		raw[i] = was
	}
	for _, field := range []string{
		"From: x@example.net", "Subject: x", "To: x@example.net", "Reply-To: x@example.net", "Cc: x@example.net",
		"Date: " + head(raw, "Date", 0), "Content-Type: text/html", "MIME-Version: 1.0", "Message-ID: <x@example.net>",
	} {
		added := append([]byte(field+"\r\n"), raw...)
		for _, v := range verify(t, added, k) {
			if v.Err == nil {
				t.Errorf("%s may be added", field)
			}
		}
	}
}

// TestAnySigned: whatever a message says, and whoever gets it, its signatures hold,
// and hold still when relays fold and space its header anew, as relaxed allows.
func TestAnySigned(t *testing.T) {
	t.Parallel()
	list := keys(t, "rsa", "ed")
	words := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{newsletter.PlaceholderName, newsletter.PlaceholderUnsubscribe, "\n", "\n\n", " ", "\t", "  \t ", " \n", "\n "}),
		rapid.StringMatching(`[ -~]{0,90}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("éà « » \u00a0.=\n\t日𝄞")), 0, 40, -1),
	), 1, 12)
	rapid.Check(t, func(t *rapid.T) {
		c := signed(t, list...)
		c.Subject, c.ListName, c.From.Name = rapid.String().Draw(t, "subject"), rapid.String().Draw(t, "list"), rapid.String().Draw(t, "from")
		c.Text, c.HTML = strings.Join(words.Draw(t, "text"), ""), strings.Join(words.Draw(t, "html"), "")+"."
		c.FeedbackID = rapid.StringMatching(`([a-z0-9:-]{1,400})?`).Draw(t, "feedback")
		p := personal()
		p.Name = rapid.String().Draw(t, "name")
		p.To.Name = p.Name
		p.UnsubscribeURL = rapid.StringMatching(`(https://example.org/[a-zA-Z0-9_=&?.-]{0,1000})?`).Draw(t, "url")
		tpl, err := mailer.NewTemplate(c)
		if err != nil {
			t.Fatal(err)
		}
		raw := tpl.Append(nil, p)
		read(t, raw)
		good(t, raw, 2, list...)
		relayed := bytes.Replace(raw, []byte("\r\nSubject: "), []byte("\r\nsubject :\r\n\t \t"), 1)
		good(t, append([]byte("Received: by mx\r\n"), append(relayed, "\r\n \r\n\r\n"...)...), 2, list...)
	})
}
