package newsletter

import (
	"crypto/hmac"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// Returned says whose mail came back.
type Returned struct {
	Subscriber int64
	Issue      int64 // 0: it was a letter on request
	Chunk      int64 // of a letter on request
}

// MaxReturnLocal is how long the local part of a return path may be: with a key it
// keeps within the 64 octets of RFC 5321 4.5.3.1.1.
const MaxReturnLocal = 24

const returnMACSize = 10 // octets: a guess counts only against one person and one issue

// Mail servers change the case of letters: base32, in small ones.
var returnEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ReturnAddress returns an address of ours with a key in its local part (VERP),
// "bounces+key@example.org": what comes back to it is about this subscriber and
// issue, whatever it says.
func (k *Keyring) ReturnAddress(address string, r Returned) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	b := make([]byte, 0, 64)
	b = append(b, k.latest)
	b = binary.AppendUvarint(b, uint64(r.Subscriber))
	b = binary.AppendUvarint(b, uint64(r.Issue))
	if r.Issue == 0 {
		b = binary.AppendUvarint(b, uint64(r.Chunk))
	}
	b = append(b, k.mac(k.latest, "return", strings.ToLower(address), string(b))[:returnMACSize]...)
	return address[:at] + "+" + returnEncoding.EncodeToString(b) + address[at:]
}

// ParseReturnAddress reads the key in an address that was made of ours; ok: it was
// made by this site, and not changed but for the case of letters.
func (k *Keyring) ParseReturnAddress(ours, address string) (r Returned, ok bool) {
	ours, address = strings.ToLower(ours), strings.ToLower(address)
	at := strings.LastIndexByte(ours, '@')
	if at < 0 {
		return r, false
	}
	key, found := strings.CutPrefix(address, ours[:at]+"+")
	if key, ok = strings.CutSuffix(key, ours[at:]); !found || !ok || len(key) > 64 {
		return r, false
	}
	b, err := decode(returnEncoding, key)
	if err != nil || len(b) < 3+returnMACSize || k.keys[b[0]] == nil {
		return r, false
	}
	body, mac := b[:len(b)-returnMACSize], b[len(b)-returnMACSize:]
	if !hmac.Equal(mac, k.mac(b[0], "return", ours, string(body))[:returnMACSize]) {
		return r, false
	}
	rest := body[1:]
	next := func() int64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v>>63 != 0 {
			ok = false
			return 0
		}
		rest = rest[n:]
		return int64(v)
	}
	r.Subscriber, r.Issue = next(), next()
	if r.Issue == 0 && ok {
		r.Chunk = next()
	}
	return r, ok && len(rest) == 0
}
