package newsletter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Purpose says what a token is good for. The letters are part of mailed links
// and never change.
type Purpose byte

// The purposes of tokens.
const (
	PurposeUnsubscribe Purpose = 'u'
	PurposePreferences Purpose = 'p'
	PurposeConfirm     Purpose = 'c'
	PurposeAccess      Purpose = 'a'
	PurposeChange      Purpose = 'n' // of address
	PurposeRead        Purpose = 'r' // the issues of a newsletter whose archive is private
)

// expires reports whether tokens of the purpose say until when they are good.
// Those in digests are for ever.
func (p Purpose) expires() bool {
	return p == PurposeConfirm || p == PurposeAccess || p == PurposeChange
}

// Claim is what a token says.
type Claim struct {
	Purpose    Purpose
	Subscriber int64
	Issue      int64 // that carried the link, 0: none
	Newsletter string
	Digest     int    // of PurposeRead: the digest of Issue that its reader got, 0: unknown
	Owner      string // of PurposeUnsubscribe: keyed hash of the address that it is signed for; Token sets it

	// Of a purpose that expires:
	Letter  int64 // that carried the link, by its chunk
	Expires time.Time
}

// Expired reports whether the claim is good no more.
func (c Claim) Expired(now time.Time) bool { return c.Purpose.expires() && !now.Before(c.Expires) }

// ErrToken is returned for a token that is malformed, forged or no longer good.
var ErrToken = errors.New("the link is not valid")

// Keyring holds the secrets behind tokens and keyed hashes by version. The
// highest version signs; all of them verify, for ever, because links in mail do
// not expire by a change of key.
type Keyring struct {
	keys   map[byte][]byte
	latest byte
	macs   map[byte]*sync.Pool // of hash.Hash by key: setting one up costs as much as using it
}

// NewKeyring returns a keyring of 32-byte secrets by version (from 1).
func NewKeyring(keys map[byte][]byte) (*Keyring, error) {
	k := &Keyring{keys: keys, macs: map[byte]*sync.Pool{}}
	for v, s := range keys {
		if v == 0 || len(s) < 32 {
			return nil, fmt.Errorf("secret version %d: want 32 bytes, have %d", v, len(s))
		}
		k.macs[v] = &sync.Pool{New: func() any { return hmac.New(sha256.New, s) }}
		k.latest = max(k.latest, v)
	}
	if k.keys[1] == nil {
		return nil, errors.New("secret version 1 is missing")
	}
	return k, nil
}

const (
	macSize   = 16           // 128 bits: beyond guessing, and links stay short
	maxExpiry = 253402300799 // Unix seconds: the end of the year 9999
	ownerMark = 0            // before the hash in a token that has one: no newsletter's name begins so
)

// Token signs the claim for the owner of address: a mailed link dies with a
// change of address, because the address is signed but not contained. That to
// unsubscribe does not: it has a hash of the address, so that it can be told to be
// ours, and whose it was, when nothing else is known of its owner any more.
func (k *Keyring) Token(c Claim, address string) string {
	b := make([]byte, 0, 64)
	b = append(b, k.latest, byte(c.Purpose))
	b = binary.AppendUvarint(b, uint64(c.Subscriber))
	if c.Purpose.expires() {
		b = binary.AppendUvarint(b, uint64(c.Letter))
		b = binary.AppendUvarint(b, uint64(max(c.Expires.Unix(), 0)))
	} else {
		b = binary.AppendUvarint(b, uint64(c.Issue))
	}
	if c.Purpose == PurposeRead {
		b = binary.AppendUvarint(b, uint64(max(c.Digest, 0)))
	}
	if c.Purpose == PurposeUnsubscribe {
		b = append(b, ownerMark)
		b = append(b, k.addressHash(address)...)
		address = ""
	}
	b = append(b, c.Newsletter...)
	b = append(b, k.mac(k.latest, "token", string(b), address)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads a token's claim without trusting it; Verify must follow, once
// the subscriber's address is known, and whether it Expired.
func (k *Keyring) ParseToken(token string, want Purpose) (Claim, error) {
	b, err := decode(base64.RawURLEncoding, token)
	if err != nil || len(b) < 2+2+macSize || len(b) > 256 || k.keys[b[0]] == nil || Purpose(b[1]) != want {
		return Claim{}, ErrToken
	}
	b = b[:len(b)-macSize]
	c := Claim{Purpose: Purpose(b[1])}
	rest := b[2:]
	id, n := binary.Uvarint(rest)
	if n <= 0 || id>>63 != 0 {
		return Claim{}, ErrToken
	}
	rest = rest[n:]
	carrier, n := binary.Uvarint(rest)
	if n <= 0 || carrier>>63 != 0 {
		return Claim{}, ErrToken
	}
	rest = rest[n:]
	if c.Purpose.expires() {
		at, n := binary.Uvarint(rest)
		if n <= 0 || at > maxExpiry {
			return Claim{}, ErrToken
		}
		c.Letter, c.Expires, rest = int64(carrier), time.Unix(int64(at), 0).UTC(), rest[n:]
	} else {
		c.Issue = int64(carrier)
	}
	if c.Purpose == PurposeRead {
		digest, n := binary.Uvarint(rest)
		if n <= 0 || digest > math.MaxInt32 {
			return Claim{}, ErrToken
		}
		c.Digest, rest = int(digest), rest[n:]
	}
	if c.Purpose == PurposeUnsubscribe && len(rest) > macSize && rest[0] == ownerMark { // those of before have none
		c.Owner, rest = hex.EncodeToString(rest[1:1+macSize]), rest[1+macSize:]
	}
	c.Subscriber, c.Newsletter = int64(id), string(rest)
	return c, nil
}

// Verify reports, in constant time, whether token was signed for address.
func (k *Keyring) Verify(token, address string) bool {
	if c, err := k.ParseToken(token, PurposeUnsubscribe); err == nil && c.Owner != "" {
		return k.signed(token, "") && c.Owner == k.AddressHash(address)
	}
	return k.signed(token, address)
}

// VerifyOwner reports, in constant time, whether a token was signed for whomever its
// claim names as Owner: nobody else need be known. It is false where it names nobody.
func (k *Keyring) VerifyOwner(token string) bool {
	c, err := k.ParseToken(token, PurposeUnsubscribe)
	return err == nil && c.Owner != "" && k.signed(token, "")
}

func (k *Keyring) signed(token, address string) bool {
	b, err := decode(base64.RawURLEncoding, token)
	if err != nil || len(b) < 2+macSize || k.keys[b[0]] == nil {
		return false
	}
	body, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	return hmac.Equal(mac, k.mac(b[0], "token", string(body), address))
}

// AddressHash returns the keyed hash under which an address is suppressed or
// remembered after erasure. It always uses version 1, so that look-ups need one
// hash. The address must be normalised.
func (k *Keyring) AddressHash(address string) string {
	return hex.EncodeToString(k.addressHash(address))
}

func (k *Keyring) addressHash(address string) []byte {
	return k.mac(1, "address", strings.ToLower(address))
}

// MailboxHash returns the keyed hash under which letters to one mailbox are counted: of an
// address without its tag, for mail to ann+1@example.org and to ann+2@example.org as a rule
// reaches one. It is no AddressHash: it identifies nobody who is suppressed or erased.
func (k *Keyring) MailboxHash(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	if untagged, _, ok := strings.Cut(local, "+"); ok && untagged != "" {
		local = untagged
	}
	return hex.EncodeToString(k.mac(1, "mailbox", local+"@"+domain))
}

// NetworkHash returns the keyed hash under which a network is counted that asks
// the hub for something.
func (k *Keyring) NetworkHash(network string) string {
	return hex.EncodeToString(k.mac(1, "network", network))
}

// FeedHash returns the keyed hash under which a personal feed is found by the secret
// in its address.
func (k *Keyring) FeedHash(secret string) string { return hex.EncodeToString(k.mac(1, "feed", secret)) }

// MessageID returns the Message-ID (without angle brackets) of an issue's
// message to a subscriber: the same at each attempt, so that receivers can drop
// a copy (RFC 5322 3.6.4).
func (k *Keyring) MessageID(issue, subscriber int64, domain string) string {
	return hex.EncodeToString(k.mac(1, "message-id", strconv.FormatInt(issue, 10), strconv.FormatInt(subscriber, 10))) + "@" + domain
}

// LetterID returns the Message-ID of a letter on request, by its chunk: the same at
// each attempt.
func (k *Keyring) LetterID(chunk int64, domain string) string {
	return hex.EncodeToString(k.mac(1, "letter-id", strconv.FormatInt(chunk, 10))) + "@" + domain
}

// InCanary reports whether a subscriber belongs to the share of an issue's
// audience that goes first: a random slice, another one for each issue.
func (k *Keyring) InCanary(issue, subscriber int64, share float64) bool {
	if share <= 0 {
		return false
	}
	sum := k.mac(1, "canary", strconv.FormatInt(issue, 10), strconv.FormatInt(subscriber, 10))
	return float64(binary.BigEndian.Uint32(sum)) < share*(1<<32)
}

// mac hashes the parts with lengths, so that no two lists of parts collide.
func (k *Keyring) mac(version byte, parts ...string) []byte {
	pool := k.macs[version]
	h := pool.Get().(hash.Hash) //nolint:errcheck,forcetypeassert // nothing else is put in
	defer pool.Put(h)
	h.Reset()
	b := make([]byte, 0, 256)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	h.Write(b)
	return h.Sum(b[:0])[:macSize]
}

// PreviewToken stands in links for a token where a digest is shown to nobody in
// particular.
const PreviewToken = "preview"

// MaskAddress hides an address enough that whoever was forwarded a mail does
// not learn it: "m…@example.org".
func MaskAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "…"
	}
	r := []rune(address[:at])
	return string(r[0]) + "…" + address[at:]
}
