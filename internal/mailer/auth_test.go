package mailer_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// authServer is the server side of the mechanisms that go-sasl has none for. It
// answers AUTH and the lines that follow it.
type authServer struct {
	password string
	next     func(response string) string
}

func (a *authServer) hook(line string) string {
	switch {
	case a.next != nil:
		response, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			a.next = nil
			return "501 5.5.2 cancelled"
		}
		return a.next(string(response))
	case line == "AUTH CRAM-MD5":
		return a.cramMD5()
	case line == "AUTH SCRAM-SHA-256":
		a.next = a.scramFirst
		return "334 "
	case strings.HasPrefix(line, "AUTH PLAIN "):
		credentials, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "AUTH PLAIN "))
		return a.verdict(string(credentials) == "\x00joe\x00"+a.password)
	}
	return ""
}

func (a *authServer) verdict(ok bool) string {
	a.next = nil
	if ok {
		return "235 2.7.0 welcome"
	}
	return "535 5.7.8 wrong"
}

func challenge(s string) string { return "334 " + base64.StdEncoding.EncodeToString([]byte(s)) }

// cramMD5 is RFC 2195.
func (a *authServer) cramMD5() string {
	const nonce = "<1896.697170952@example.org>"
	a.next = func(response string) string {
		h := hmac.New(md5.New, []byte(a.password))
		h.Write([]byte(nonce))
		return a.verdict(response == "joe "+hex.EncodeToString(h.Sum(nil)))
	}
	return challenge(nonce)
}

// scramFirst is RFC 5802 and 7677.
func (a *authServer) scramFirst(first string) string {
	bare, ok := strings.CutPrefix(first, "n,,")
	_, nonce, _ := strings.Cut(bare, ",r=")
	if !ok || !strings.HasPrefix(bare, "n=joe,r=") {
		return a.verdict(false)
	}
	salt := []byte("0123456789abcdef")
	server := fmt.Sprintf("r=%sserver,s=%s,i=4096", nonce, base64.StdEncoding.EncodeToString(salt))
	a.next = func(final string) string {
		without, proof, _ := strings.Cut(final, ",p=")
		salted, err := pbkdf2.Key(sha256.New, a.password, salt, 4096, 32)
		if err != nil {
			return a.verdict(false)
		}
		mac := func(key []byte, s string) []byte {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(s))
			return h.Sum(nil)
		}
		message := bare + "," + server + "," + without
		clientKey := mac(salted, "Client Key")
		stored := sha256.Sum256(clientKey)
		signature := mac(stored[:], message)
		got, err := base64.StdEncoding.DecodeString(proof)
		if err != nil || len(got) != len(signature) {
			return a.verdict(false)
		}
		for i := range got {
			got[i] ^= signature[i]
		}
		if !hmac.Equal(got, clientKey) {
			return a.verdict(false)
		}
		a.next = func(string) string { return a.verdict(true) }
		return challenge("v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), message)))
	}
	return challenge(server)
}

func TestAuth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		offered, auth string
		want          string
	}{
		{"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", "", "SCRAM-SHA-256"},
		{"PLAIN LOGIN CRAM-MD5", "auto", "PLAIN"},
		{"cram-md5", "auto", "CRAM-MD5"},
		{"PLAIN CRAM-MD5 SCRAM-SHA-256", "cram-md5", "CRAM-MD5"},
		{"PLAIN CRAM-MD5 SCRAM-SHA-256", "scram-sha-256", "SCRAM-SHA-256"},
		{"PLAIN CRAM-MD5 SCRAM-SHA-256", "plain", "PLAIN"},
		{"PLAIN", "none", ""},
	} {
		for _, password := range []string{"secret", "false"} {
			t.Run(tt.auth+" of "+tt.offered+" "+password, func(t *testing.T) {
				t.Parallel()
				s := &server{caps: []string{"PIPELINING", "AUTH " + tt.offered}, hook: (&authServer{password: "secret"}).hook}
				relay := s.start(t)
				relay.Auth, relay.Username, relay.Password = tt.auth, "joe", password
				c, reply, err := mailer.Dial(t.Context(), relay)
				if password == "false" && tt.want != "" {
					check(t, "reply", newsletter.Reply{Phase: newsletter.PhaseAuth, Code: 535, Enhanced: "5.7.8", Text: "5.7.8 wrong"}, reply)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				check(t, "mechanism", tt.want, c.Capabilities().Auth)
				results, _ := run(c, message("a@x.org"))
				check(t, "results", []result{queued("a@x.org")}, results)
				c.Quit()
			})
		}
	}
}
