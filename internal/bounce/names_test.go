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
		"text":           "From: x@example.net\r\n\r\nDear " + who + ", hello.\r\n",
		"header":         "From: x@example.net\r\nX-Whatever: <" + who + ">\r\n\r\nhello\r\n",
		"encoded header": "Subject: =?utf-8?B?" + encoded + "?=\r\n\r\nhello\r\n",
		"base64":         "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\n",
		"quoted":         "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>ann.o'brien=40example.org</p>\r\n",
		"status":         "Content-Type: message/delivery-status\r\n\r\nX-Display: x\r\n\r\nFinal-Recipient: rfc822;" + who + "\r\n",
		"returned":       "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nCc: " + strings.ToUpper(who) + "\r\n\r\n",
		"apostrophes":    "From: x@example.net\r\n\r\nTo 'ann.o'brien@example.org' it went.\r\n",
		"broken":         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--c\r\n" + who,
	} {
		got, all := bounce.Addresses([]byte(message))
		if !all || !slices.ContainsFunc(got, func(a string) bool { return strings.EqualFold(a, who) }) {
			t.Errorf("%s: %q, %v", name, got, all)
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
