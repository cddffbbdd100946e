package mailer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/mailer"
)

func pkcs8(private crypto.PrivateKey) []byte { return must(x509.MarshalPKCS8PrivateKey(private)) }

func TestReadKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind  string
		bytes []byte
		want  string // the kind, or the error behind the file's name
	}{
		{"RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()), "RSA, 2048 bits"},
		{"PRIVATE KEY", pkcs8(rsaKey()), "RSA, 2048 bits"},
		{"PRIVATE KEY", pkcs8(edKey()), "Ed25519"},
		{"PRIVATE KEY", pkcs8(must(rsa.GenerateKey(rand.Reader, 1024))), "an RSA key of 1024 bits is too short: receivers distrust what it signs"},
		{"PRIVATE KEY", pkcs8(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))), "ecdsa.PrivateKey keys sign no mail"},
		{"PRIVATE KEY", []byte("damaged"), "the key is damaged"},
		{"RSA PRIVATE KEY", []byte("damaged"), "the key is damaged"},
		{"ENCRYPTED PRIVATE KEY", []byte("secret"), "the key is encrypted"},
		{"PUBLIC KEY", must(x509.MarshalPKIXPublicKey(rsaKey().Public())), "a public key: it belongs into the DNS, the private one here"},
		{"CERTIFICATE", []byte("x"), `a "CERTIFICATE", not a private key`},
		{"", nil, "no key in PEM form"},
	} {
		file := filepath.Join(t.TempDir(), "key.pem")
		text := []byte("no PEM\n")
		if tt.kind != "" {
			text = pem.EncodeToMemory(&pem.Block{Type: tt.kind, Bytes: tt.bytes})
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := mailer.ReadKey("example.org", "s1", file)
		if err == nil {
			if k.Kind() != tt.want {
				t.Errorf("%s: %s, want %s", tt.kind, k.Kind(), tt.want)
			}
			c := content()
			c.Signer = mailer.NewSigner(k)
			good(t, build(t, c).Append(nil, personal()), 1, k)
			continue
		}
		var bad *mailer.KeyError
		if !errors.As(err, &bad) || bad.Hint() == "" || err.Error() != file+": "+tt.want {
			t.Errorf("%s: %v, want %s", tt.kind, err, tt.want)
		}
	}
	if _, err := mailer.ReadKey("example.org", "s1", filepath.Join(t.TempDir(), "none.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	for _, selector := range []string{"rsa", "ed"} {
		k := key(t, "example.org", selector)
		if k.RecordName() != selector+"._domainkey.example.org" {
			t.Errorf("name %s", k.RecordName())
		}
		if err := k.CheckRecord(k.Record()); err != nil {
			t.Errorf("%s: %v", k.Record(), err)
		}
		loose := strings.NewReplacer("v=DKIM1; ", "", ";", " ;", "p=", " p = ").Replace(k.Record())
		if err := k.CheckRecord(loose[:40] + " \t" + loose[40:] + "; n=a note;"); err != nil {
			t.Errorf("%s: %v", loose, err)
		}
	}
	r, e := key(t, "example.org", "rsa"), key(t, "example.org", "ed")
	_, p, _ := strings.Cut(r.Record(), "p=")
	for record, want := range map[string]string{
		e.Record():                         "it has an ed25519 key, ours is RSA, 2048 bits",
		"v=DKIM1; k=rsa; p=AAAA":           "it has another key",
		"v=DKIM1; k=rsa; p=" + p[:255]:     "it has only the first part of the key: a long record is given as several strings",
		"v=DKIM1; p=":                      "its key is revoked (p= is empty)",
		"v=DKIM1; k=rsa":                   "it has no key (p=)",
		"v=DKIM2; k=rsa; p=" + p:           "its version is not DKIM1",
		"v=DKIM1; k=rsa; h=sha1; p=" + p:   "it allows only the hash sha1, ours is sha256",
		"v=DKIM1; k=rsa; s=other; p=" + p:  "it is not for mail (s=other)",
		"v=DKIM1; k=rsa; p=!" + p:          "its key is damaged",
		`"v=DKIM1; k=rsa; p=" "` + p + `"`: "it has quotation marks inside: give it to the DNS without",
	} {
		if err := r.CheckRecord(record); err == nil || err.Error() != want {
			t.Errorf("%.40s…: %v, want %s", record, err, want)
		}
	}
	if err := e.CheckRecord("v=DKIM1; k=ed25519; p=!"); err == nil || err.Error() != "its key is damaged" {
		t.Errorf("a damaged Ed25519 key: %v", err)
	}
	// RFC 6376 is unclear on the form of an RSA key; receivers take both (erratum 3017).
	bare := "p=" + strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)})), "\n", " ")
	bare = strings.NewReplacer("-----BEGIN X----- ", "", " -----END X-----", "").Replace(bare)
	if err := r.CheckRecord(bare); err != nil {
		t.Errorf("%s: %v", bare, err)
	}
}
