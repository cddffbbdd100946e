package bounce_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"syndicate/internal/bounce"
)

// TestAddresses: whoever is named in a message is found, however it is written.
func TestAddresses(t *testing.T) {
	t.Parallel()
	const who = "ann.o'brien@example.org"
	encoded := base64.StdEncoding.EncodeToString([]byte("Dear " + who + ", hello."))
	for name, message := range map[string]string{
		"text":             "From: x@example.net\r\n\r\nDear " + who + ", hello.\r\n",
		"header":           "From: x@example.net\r\nX-Whatever: <" + who + ">\r\n\r\nhello\r\n",
		"encoded header":   "Subject: =?utf-8?B?" + encoded + "?=\r\n\r\nhello\r\n",
		"base64":           "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\n",
		"quoted":           "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>ann.o'brien=40example.org</p>\r\n",
		"status":           "Content-Type: message/delivery-status\r\n\r\nX-Display: x\r\n\r\nFinal-Recipient: rfc822;" + who + "\r\n",
		"returned":         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nCc: " + strings.ToUpper(who) + "\r\n\r\n",
		"apostrophes":      "From: x@example.net\r\n\r\nTo 'ann.o'brien@example.org' it went.\r\n",
		"broken":           "Content-Type: multipart/mixed; boundary=b\r\n\r\n--c\r\n" + who,
		"second of a name": "X-To: me\r\nX-To: =?utf-8?B?" + encoded + "?=\r\n\r\nhello\r\n",
		"many fields":      strings.Repeat("X-A: b\r\n", 600) + "X-To: =?utf-8?B?" + encoded + "?=\r\n\r\nhello\r\n",
		"words in a text":  "From: x@example.net\r\n\r\nSee a=?b?cc.\r\n> Subject: =?utf-8?B?" + encoded + "?=\r\n",
		"returned body":    nested(encoded),
		"second returned":  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + nested("aGVsbG8=") + "\r\n--b\r\n" + nested(encoded) + "\r\n--b--\r\n",
		"link":             "From: x@example.net\r\n\r\nhttps://x.example/u?e=ann.o%27brien%40example.org&n=1\r\n",
		"path of a link":   "From: x@example.net\r\n\r\nhttps://x.example/leave/ann.o'brien@example.org?n=1\r\n",
		"link in a link":   "From: x@example.net\r\n\r\nhttps://x.example/r?to=https%3A%2F%2Fy.example%2Fann.o%2527brien%2540example.org\r\n",
		"envelope":         "Return-Path: <b-42-ann.o'brien=example.org@lists.example>\r\n\r\nhello\r\n",
		"envelope, plus":   "Return-Path: <bounces+ann.o'brien=example.org@lists.example>\r\n\r\nhello\r\n",
		"envelope in link": "From: x@example.net\r\n\r\n?from=bounces%2Bann.o%27brien%3Dexample.org%40lists.example\r\n",
		"forwarder":        "Return-Path: <SRS0=HHH=TT=example.org=ann.o'brien@forward.example>\r\n\r\nhello\r\n",
		"tag":              "Return-Path: <prvs=0123456789=ann.o'brien@example.org>\r\n\r\nhello\r\n",
		"cut off":          "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\nQQ",
	} {
		got, all := bounce.Addresses([]byte(message))
		if !all || !slices.ContainsFunc(got, func(a string) bool { return strings.EqualFold(a, who) }) {
			t.Errorf("%s: %q, %v", name, got, all)
		}
	}
	for name, message := range map[string]string{
		"attachment":    "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\n",
		"quoted mail":   "From: x@example.net\r\n\r\n> Content-Transfer-Encoding: base64\r\n>\r\n> " + encoded + "\r\n",
		"other border":  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--c\r\nContent-Transfer-Encoding:\r\n base64\r\n\r\n" + encoded + "\r\n",
		"two encodings": "Content-Transfer-Encoding: quoted-printable\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\n",
		"not known":     "Content-Transfer-Encoding: x-uuencode\r\n\r\nhello\r\n",
		"broken base64": "Content-Transfer-Encoding: base64\r\n\r\n!" + encoded + "\r\n",
		"uuencode":      "From: x@example.net\r\n\r\nbegin 644 who.txt\r\n#0V%T\r\n`\r\nend\r\n",
		"charset":       "Content-Type: text/plain; charset=utf-7\r\n\r\nann+AEA-example.org\r\n",
		"a piece":       "Content-Type: message/partial; number=2; id=x\r\n\r\n" + encoded + "\r\n",
		"broken word":   "Subject: =?utf-8?B?!!!?=\r\n\r\nhello\r\n",
		"too deep":      strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 20) + "hello\r\n",
	} {
		if got, all := bounce.Addresses([]byte(message)); all {
			t.Errorf("%s: %q are said to be all", name, got)
		}
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "a%d@example.org\r\n", i)
	}
	if got, all := bounce.Addresses([]byte(many.String())); all || len(got) > 200 {
		t.Errorf("%d of a thousand, all of them: %v", len(got), all)
	}
	if got, all := bounce.Addresses(nil); !all || len(got) != 0 {
		t.Errorf("%q, %v", got, all)
	}
}

// nested is a part with a returned mail, whose text is encoded.
func nested(text string) string {
	return "Content-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text + "\r\n"
}
