package mailer

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// RSA keys outside these bounds are of no use: receivers distrust shorter ones,
// and need not know longer ones (RFC 8301 3.2).
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// Key is a private key that messages of a domain are signed with. It is immutable
// and safe for concurrent use.
type Key struct {
	Domain   string // d=, ASCII, small letters
	Selector string // s=

	signer crypto.Signer
}

// NewKey makes a key of an *rsa.PrivateKey of 2048 to 4096 bits or an
// ed25519.PrivateKey.
func NewKey(domain, selector string, private crypto.PrivateKey) (*Key, error) {
	k := &Key{Domain: strings.TrimSuffix(strings.ToLower(domain), "."), Selector: selector}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		switch bits := p.N.BitLen(); {
		case bits < minRSABits:
			return nil, &KeyError{fmt.Sprintf("an RSA key of %d bits is too short: receivers distrust what it signs", bits), hintNewKey}
		case bits > maxRSABits:
			return nil, &KeyError{fmt.Sprintf("an RSA key of %d bits is too long: receivers need not know more than %d", bits, maxRSABits), hintNewKey}
		}
		k.signer = p
	case ed25519.PrivateKey:
		k.signer = p
	default:
		return nil, &KeyError{fmt.Sprintf("%s keys sign no mail", strings.TrimPrefix(fmt.Sprintf("%T", private), "*")), hintNewKey}
	}
	if _, err := k.sign([32]byte{}); err != nil { // now rather than in mid-send
		return nil, &KeyError{"the key does not sign: " + err.Error(), hintNewKey}
	}
	return k, nil
}

// KeyError is a key that cannot be used.
type KeyError struct{ message, hint string }

func (e *KeyError) Error() string { return e.message }

// Hint returns what to do about it.
func (e *KeyError) Hint() string { return e.hint }

const (
	hintNewKey  = "syndicate dkim keygen DOMAIN makes keys"
	hintKeyForm = "a PEM file with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY in it is wanted; " + hintNewKey
)

// ReadKey reads a key from a PEM file: RSA in PKCS #1 or PKCS #8 form, Ed25519 in
// PKCS #8. No error quotes what is in the file.
func ReadKey(domain, selector, file string) (*Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	private, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	k, err := NewKey(domain, selector, private)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

func parseKey(text []byte) (crypto.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, &KeyError{"no key in PEM form", hintKeyForm}
	}
	var private crypto.PrivateKey
	var err error
	switch {
	case strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, &KeyError{"the key is encrypted", "openssl pkey -in FILE -out OTHER decrypts it: nobody is there to ask for its password"}
	case block.Type == "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return nil, &KeyError{"a public key: it belongs into the DNS, the private one here", hintKeyForm}
	default:
		return nil, &KeyError{fmt.Sprintf("a %.40q, not a private key", block.Type), hintKeyForm}
	}
	if err != nil {
		return nil, &KeyError{"the key is damaged", hintKeyForm}
	}
	return private, nil
}

// sign signs a SHA-256 digest. Ed25519 signs the digest as if it were the message
// (RFC 8463 3).
func (k *Key) sign(digest [32]byte) ([]byte, error) {
	switch p := k.signer.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, p, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		return ed25519.Sign(p, digest[:]), nil
	}
	return nil, errors.New("not a key")
}

// isRSA tells the kind that every receiver knows.
func (k *Key) isRSA() bool {
	_, ok := k.signer.(*rsa.PrivateKey)
	return ok
}

// algorithm is the value of a=.
func (k *Key) algorithm() string {
	if k.isRSA() {
		return "rsa-sha256"
	}
	return "ed25519-sha256"
}

// signatureSize is how many octets a signature has.
func (k *Key) signatureSize() int {
	if p, ok := k.signer.(*rsa.PrivateKey); ok {
		return p.Size()
	}
	return ed25519.SignatureSize
}

// Kind says what kind of key it is, for people: "RSA, 2048 bits" or "Ed25519".
func (k *Key) Kind() string {
	if p, ok := k.signer.(*rsa.PrivateKey); ok {
		return fmt.Sprintf("RSA, %d bits", p.N.BitLen())
	}
	return "Ed25519"
}

// RecordName is where the DNS has the public half, without a dot at its end.
func (k *Key) RecordName() string { return k.Selector + "._domainkey." + k.Domain }

// Record is the text of the DNS record with the public half (RFC 6376 3.6.1). One
// string in the DNS has at most 255 octets; an RSA key takes two.
func (k *Key) Record() string {
	kind, public := k.public()
	return "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public)
}

// public returns the public half as it stands in a record.
func (k *Key) public() (kind string, octets []byte) {
	switch p := k.signer.Public().(type) {
	case *rsa.PublicKey:
		octets, err := x509.MarshalPKIXPublicKey(p)
		if err != nil {
			octets = nil // only of what NewKey refuses
		}
		return "rsa", octets
	case ed25519.PublicKey:
		return "ed25519", p // RFC 8463 4.2: the bare key
	}
	return "", nil
}
