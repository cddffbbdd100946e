package websub

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // hubs of the time of PubSubHubbub sign with it, and a push is only a hint
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
)

// SignatureHeader carries the signature of a distributed document (section 7.1).
const SignatureHeader = "X-Hub-Signature"

// ErrSignature is for a signature that is missing, of an unknown kind or malformed.
var ErrSignature = errors.New("the signature is missing or of an unknown kind")

// Sign returns the signature of a document: HMAC-SHA-256 with the subscriber's
// secret, in the form of the header.
func Sign(secret string, document []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(document)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Check verifies a signature while the document is written to it.
type Check struct {
	mac  hash.Hash
	want []byte
}

// NewCheck begins to verify what a header claims, by any of the methods of
// section 8.
func NewCheck(header, secret string) (*Check, error) {
	method, digest, _ := strings.Cut(header, "=")
	var of func() hash.Hash
	switch strings.ToLower(strings.TrimSpace(method)) {
	case "sha1":
		of = sha1.New
	case "sha256":
		of = sha256.New
	case "sha384":
		of = sha512.New384
	case "sha512":
		of = sha512.New
	default:
		return nil, ErrSignature
	}
	want, err := hex.DecodeString(strings.TrimSpace(digest))
	if err != nil {
		return nil, ErrSignature
	}
	return &Check{hmac.New(of, []byte(secret)), want}, nil
}

// Write implements io.Writer; it never fails.
func (c *Check) Write(b []byte) (int, error) { return c.mac.Write(b) }

// OK reports, in constant time, whether what was written is what was signed.
func (c *Check) OK() bool { return hmac.Equal(c.mac.Sum(nil), c.want) }
