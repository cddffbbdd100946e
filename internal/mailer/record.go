package mailer

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tagList reads "tag=value; tag=value", the form of DKIM and DMARC records
// (RFC 6376 3.2). White space around and, in values, at folds does not count.
func tagList(record string) map[string]string {
	tags := map[string]string{}
	for part := range strings.SplitSeq(record, ";") {
		if name, value, ok := strings.Cut(part, "="); ok {
			tags[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return tags
}

// CheckRecord compares the text of a DNS record with the key. An error says, as
// the end of a sentence about the record, why receivers would not verify by it.
func (k *Key) CheckRecord(record string) error {
	if strings.Contains(record, `"`) {
		return errors.New("it has quotation marks inside: give it to the DNS without")
	}
	tags := tagList(record)
	if v, ok := tags["v"]; ok && v != "DKIM1" {
		return errors.New("its version is not DKIM1")
	}
	p, ok := tags["p"]
	switch {
	case !ok:
		return errors.New("it has no key (p=)")
	case p == "":
		return errors.New("its key is revoked (p= is empty)")
	}
	kind, public := k.public()
	if found := tags["k"]; found != kind && (found != "" || kind != "rsa") {
		if found == "" {
			found = "rsa"
		}
		return fmt.Errorf("it has an %s key, ours is %s", found, k.Kind())
	}
	if h, ok := tags["h"]; ok && !has(h, "sha256") {
		return fmt.Errorf("it allows only the hash %s, ours is sha256", h)
	}
	if s, ok := tags["s"]; ok && !has(s, "*") && !has(s, "email") {
		return fmt.Errorf("it is not for mail (s=%s)", s)
	}
	p = strings.Join(strings.Fields(p), "")
	octets, err := base64.StdEncoding.DecodeString(p)
	switch {
	case err == nil && (bytes.Equal(octets, public) || k.isRSA() && bytes.Equal(octets, k.bare())):
		return nil
	case strings.HasPrefix(base64.StdEncoding.EncodeToString(public), p):
		return errors.New("it has only the first part of the key: a long record is given as several strings")
	case err != nil:
		return errors.New("its key is damaged")
	}
	return errors.New("it has another key")
}

// has reports whether a colon-separated list has an entry.
func has(list, entry string) bool {
	return slices.ContainsFunc(strings.Split(list, ":"), func(s string) bool { return strings.TrimSpace(s) == entry })
}

// bare is the other form that an RSA key may have in a record (erratum 3017 to
// RFC 6376).
func (k *Key) bare() []byte {
	if p, ok := k.signer.Public().(*rsa.PublicKey); ok {
		return x509.MarshalPKCS1PublicKey(p)
	}
	return nil
}
