package mailer_test

import (
	"bufio"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

func TestReply(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw  string
		want newsletter.Reply
	}{
		{"250 2.0.0 Ok: queued as 4X\r\n", newsletter.Reply{Code: 250, Enhanced: "2.0.0", Text: "2.0.0 Ok: queued as 4X"}},
		{"354\r\n", newsletter.Reply{Code: 354}},
		{"250 \n", newsletter.Reply{Code: 250}},
		{"550 no such user here\r\n", newsletter.Reply{Code: 550, Text: "no such user here"}},
		{
			"550-5.1.1 The email account that you tried to reach does\r\n550-5.1.1 not exist. Please try\r\n550 5.1.1 again k1-gsmtp\r\n",
			newsletter.Reply{Code: 550, Enhanced: "5.1.1", Text: "5.1.1 The email account that you tried to reach does not exist. Please try again k1-gsmtp"},
		},
		{"554-first\r\n554 5.7.1 second\r\n", newsletter.Reply{Code: 554, Text: "first 5.7.1 second"}},
		{"550 #5.1.0 Address rejected.\r\n", newsletter.Reply{Code: 550, Enhanced: "5.1.0", Text: "#5.1.0 Address rejected."}},
		{"550 sorry, no mailbox here by that name. (#5.1.1)\r\n", newsletter.Reply{Code: 550, Enhanced: "5.1.1", Text: "sorry, no mailbox here by that name. (#5.1.1)"}},
		{"550 5.1.1: unknown\r\n", newsletter.Reply{Code: 550, Enhanced: "5.1.1", Text: "5.1.1: unknown"}},
		{"550 2.0.0 confused\r\n", newsletter.Reply{Code: 550, Text: "2.0.0 confused"}},
		{"550 5.1 short\r\n", newsletter.Reply{Code: 550, Text: "5.1 short"}},
		{"550 5.1234.1 long\r\n", newsletter.Reply{Code: 550, Text: "5.1234.1 long"}},
		{"550 5.1.1.1 longer\r\n", newsletter.Reply{Code: 550, Text: "5.1.1.1 longer"}},
		{"550 5.1.1x glued\r\n", newsletter.Reply{Code: 550, Text: "5.1.1x glued"}},
		{"550 55.1.1 class\r\n", newsletter.Reply{Code: 550, Text: "55.1.1 class"}},
		{"550 5..1 odd\r\n", newsletter.Reply{Code: 550, Text: "5..1 odd"}},
		{"451 4.7.500 Server busy\r\n", newsletter.Reply{Code: 451, Enhanced: "4.7.500", Text: "4.7.500 Server busy"}},
		{"451 4.3.0\r\n", newsletter.Reply{Code: 451, Enhanced: "4.3.0", Text: "4.3.0"}},
		{"550 un\x00know\xffn\tuser\x1b[31m\r\n", newsletter.Reply{Code: 550, Text: "un?know?n user?[31m"}},
		{"550 " + strings.Repeat("é", 400) + "\r\n", newsletter.Reply{Code: 550, Text: strings.Repeat("é", 248) + "…"}},
	} {
		code, text, err := mailer.ReadReply(bufio.NewReader(strings.NewReader(tt.raw)), nil)
		if err != nil {
			t.Errorf("%.60q: %v", tt.raw, err)
			continue
		}
		if got := mailer.NewReply(0, code, string(text)); got != tt.want {
			t.Errorf("%.60q: %+v, want %+v", tt.raw, got, tt.want)
		}
	}
}

func TestReplyRefused(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                               "EOF",
		"250":                            "EOF",
		"250-a\r\n":                      "EOF",
		"HTTP/1.1 400 Bad Request\r\n":   "not an SMTP reply",
		"25\r\n":                         "not an SMTP reply",
		"250x\r\n":                       "not an SMTP reply",
		"199 x\r\n":                      "not an SMTP reply",
		"650 x\r\n":                      "not an SMTP reply",
		"+50 x\r\n":                      "not an SMTP reply",
		"250-a\r\n550 b\r\n":             "not an SMTP reply",
		strings.Repeat("250-a\r\n", 200): "a reply of more than 100 lines",
		"250 " + strings.Repeat("x", 2100) + "\r\n": "a reply line of more than 2048 octets",
		"250 " + strings.Repeat("x", 9000):          "a reply line of more than 2048 octets",
	} {
		_, _, err := mailer.ReadReply(bufio.NewReader(strings.NewReader(raw)), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", raw, err, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"250 ok\r\n", "250-a\r\n250 b\r\n", "550 5.1.1 x\r\n", "550-5.1.1 a\r\n550 5.1.1 b\r\n", "550 (#5.1.1)\n", "421\r\n",
		"550 5.\xff\r\n", "250 " + strings.Repeat("é", 600) + "\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		code, text, err := mailer.ReadReply(bufio.NewReader(strings.NewReader(string(raw))), nil)
		if err != nil {
			return
		}
		r := mailer.NewReply(newsletter.PhaseRcpt, code, string(text))
		if r.Code < 200 || r.Code > 599 || len(r.Text) > 500 || !utf8.ValidString(r.Text) {
			t.Fatalf("%q: %+v", raw, r)
		}
		if strings.ContainsFunc(r.Text, func(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }) {
			t.Fatalf("%q: %q cannot be shown", raw, r.Text)
		}
		if r.Enhanced != "" && (int(r.Enhanced[0]-'0') != code/100 || strings.Count(r.Enhanced, ".") != 2 || len(r.Enhanced) > 9 || !strings.Contains(r.Text, r.Enhanced)) {
			t.Fatalf("%q: status %q", raw, r.Enhanced)
		}
		_ = newsletter.Judge(r)
	})
}
