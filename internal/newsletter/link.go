package newsletter

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
)

// linkMAC is the size of the hash in a counted link, in bytes: guessing one leads to
// an article that the issue has, and no further.
const linkMAC = 8

// Link names a counted link of an issue: the article of that seq, or OpensImage. It
// is the same for everybody.
func (k *Keyring) Link(issue, link int64) string { return k.link(k.latest, issue, link) }

func (k *Keyring) link(version byte, issue, link int64) string {
	b := make([]byte, 0, 32)
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(issue))
	b = binary.AppendUvarint(b, uint64(link))
	b = append(b, k.mac(version, "link", string(b))[:linkMAC]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseLink reads what Link named; ErrToken: nobody here made it.
func (k *Keyring) ParseLink(name string) (issue, link int64, err error) {
	b, err := decode(base64.RawURLEncoding, name)
	if err != nil || len(b) < 3+linkMAC || len(b) > 32 || k.keys[b[0]] == nil {
		return 0, 0, ErrToken
	}
	rest := b[1 : len(b)-linkMAC]
	i, n := binary.Uvarint(rest)
	if n <= 0 || i>>63 != 0 {
		return 0, 0, ErrToken
	}
	l, m := binary.Uvarint(rest[n:])
	if m <= 0 || l>>63 != 0 {
		return 0, 0, ErrToken
	}
	// Written again, so that no two names mean one link.
	if !hmac.Equal([]byte(name), []byte(k.link(b[0], int64(i), int64(l)))) {
		return 0, 0, ErrToken
	}
	return int64(i), int64(l), nil
}
