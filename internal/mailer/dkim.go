package mailer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs messages by DKIM (RFC 6376) with the keys of their senders' domains.
// It is immutable and safe for concurrent use.
type Signer struct{ keys []*Key }

// NewSigner returns a signer that has these keys, of any domains.
func NewSigner(keys ...*Key) *Signer {
	s := &Signer{slices.Clone(keys)}
	// RSA first: receivers that know one kind only know that one.
	slices.SortStableFunc(s.keys, func(a, b *Key) int { return cmp.Compare(rank(a), rank(b)) })
	return s
}

func rank(k *Key) int {
	if k.isRSA() {
		return 0
	}
	return 1
}

// All returns every key.
func (s *Signer) All() []*Key {
	if s == nil {
		return nil
	}
	return slices.Clone(s.keys)
}

// Keys returns what signs the messages of a sender: the keys of the address's
// domain, else those of its nearest parent, so that DMARC (RFC 7489 3.1.1) takes
// the signature for the sender's own. A nil Signer has none.
func (s *Signer) Keys(address string) []*Key {
	if s == nil {
		return nil
	}
	domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	for domain != "" {
		var list []*Key
		for _, k := range s.keys {
			if k.Domain == domain {
				list = append(list, k)
			}
		}
		if list != nil {
			return list
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil
}

// covered are the header fields that are signed where a message has them
// (RFC 6376 5.4.1). Those of which it may have one only (oversigned) are signed
// once more than they occur, so that nobody can add another (8.15).
var covered = [...]struct {
	name       string
	oversigned bool
}{
	{"From", true},
	{"Reply-To", true},
	{"To", true},
	{"Cc", true},
	{"Subject", true},
	{"Date", true},
	{"Message-ID", true},
	{"MIME-Version", true},
	{"Content-Type", true},
	{"Content-Transfer-Encoding", true},
	{"Content-Language", false},
	{"List-Id", false},
	{"List-Unsubscribe", false}, // RFC 8058 4 wants this and the next signed
	{"List-Unsubscribe-Post", false},
	{"List-Help", false},
	{"List-Subscribe", false},
	{"List-Post", false},
	{"List-Owner", false},
	{"List-Archive", false},
	{"Feedback-ID", false},
	{"Precedence", false},
	{"Auto-Submitted", false},
}

// insertSignatures signs the message dst[start:] with each key and puts the
// signatures before it. The message has CRLF line ends and no others.
//
// This is here rather than from a library because it runs for every message: the
// body is hashed once for all keys, in place, and h= is folded (benchmarks in
// dkim_test.go).
func insertSignatures(dst []byte, start int, keys []*Key, at time.Time) []byte {
	if len(keys) == 0 {
		return dst
	}
	head, body := dst[start:], []byte(nil)
	if i := bytes.Index(head, []byte("\r\n\r\n")); i >= 0 {
		head, body = head[:i+2], head[i+4:]
	}
	var room [2 << 10]byte
	names, canonical := appendCovered(make([]byte, 0, 512), room[:0], head)
	bodyHash := hashBody(body)

	size := 0
	for _, k := range keys {
		size += signedSize(k)
	}
	fields := make([]byte, 0, size)
	for _, k := range keys {
		fields = appendSignature(fields, k, names, canonical, bodyHash, at)
	}
	return slices.Insert(dst, start, fields...)
}

// signedSize is about how much longer a key's signature makes a message, rather
// too much than too little.
func signedSize(k *Key) int {
	n := base64.StdEncoding.EncodedLen(k.signatureSize())
	return 800 + len(k.Domain) + len(k.Selector) + n + n/16
}

// appendSignature appends a DKIM-Signature field. A key that signed once (NewKey
// tried) does not fail later, but for faults of the machine: then the message
// goes without, as it does where there is no key.
func appendSignature(dst []byte, k *Key, names, canonical []byte, bodyHash [32]byte, at time.Time) []byte {
	from := len(dst)
	dst = append(dst, "DKIM-Signature: v=1; a="...)
	dst = append(dst, k.algorithm()...)
	dst = append(dst, "; c=relaxed/relaxed; t="...)
	dst = strconv.AppendInt(dst, at.Unix(), 10)
	dst = append(dst, ";\r\n d="...)
	dst = append(dst, k.Domain...)
	dst = append(dst, ";\r\n s="...)
	dst = append(dst, k.Selector...)
	dst = append(dst, ";\r\n h="...)
	dst = append(dst, names...)
	dst = append(dst, ";\r\n bh="...)
	dst = base64.StdEncoding.AppendEncode(dst, bodyHash[:])
	dst = append(dst, ";\r\n b="...)

	// What is signed ends with the field itself, without the value of b= and
	// without a line end (3.7).
	var room [4 << 10]byte
	text := append(room[:0], canonical...)
	text = appendRelaxed(text, dst[from:])
	sum, err := k.sign(sha256.Sum256(bytes.TrimSuffix(text, []byte("\r\n"))))
	if err != nil {
		return dst[:from]
	}
	var encoded [base64Max]byte
	return appendFolded(dst, base64.StdEncoding.AppendEncode(encoded[:0], sum))
}

// base64Max is the length of the longest signature, that of an RSA key of 4096
// bits.
const base64Max = (maxRSABits/8 + 2) / 3 * 4

// appendFolded appends the value of b=, which may be folded anywhere, and the end
// of the line.
func appendFolded(dst, value []byte) []byte {
	const first, others = 78 - len(" b="), 78 - len(" ")
	n := min(first, len(value))
	dst = append(dst, value[:n]...)
	for value = value[n:]; len(value) > 0; value = value[n:] {
		n = min(others, len(value))
		dst = append(dst, "\r\n "...)
		dst = append(dst, value[:n]...)
	}
	return append(dst, "\r\n"...)
}

// appendCovered appends the names of the fields that are signed, as the value of
// h=, folded, and the fields themselves in relaxed form, in that order. Of a name
// that occurs more than once, the last field counts first (5.4.2).
func appendCovered(names, canonical, head []byte) (_, _ []byte) {
	var room [40][]byte
	fields := splitFields(room[:0], head)
	line := len(" h=")
	add := func(name string) {
		if len(names) > 0 {
			names = append(names, ':')
			if line += len(name) + 1; line > 76 {
				names = append(names, "\r\n "...)
				line = len(" ") + len(name)
			}
		} else {
			line += len(name)
		}
		names = append(names, name...)
	}
	for _, c := range covered {
		for _, f := range slices.Backward(fields) {
			if isNamed(f, c.name) {
				add(c.name)
				canonical = appendRelaxed(canonical, f)
			}
		}
		if c.oversigned {
			add(c.name)
		}
	}
	return names, canonical
}

// splitFields appends each header field, its line end included.
func splitFields(fields [][]byte, head []byte) [][]byte {
	for len(head) > 0 {
		n := 0
		for {
			i := bytes.Index(head[n:], []byte("\r\n"))
			if i < 0 {
				n = len(head)
				break
			}
			n += i + 2
			if n == len(head) || head[n] != ' ' && head[n] != '\t' {
				break
			}
		}
		fields = append(fields, head[:n])
		head = head[n:]
	}
	return fields
}

func isNamed(field []byte, name string) bool {
	if len(field) <= len(name) || field[0]|0x20 != name[0]|0x20 {
		return false
	}
	rest := bytes.TrimLeft(field[len(name):], " \t")
	return len(rest) > 0 && rest[0] == ':' && strings.EqualFold(string(field[:len(name)]), name)
}

// appendRelaxed appends a header field in relaxed form (3.4.2): the name in small
// letters, unfolded, runs of white space as one space, none at either end.
func appendRelaxed(dst, field []byte) []byte {
	colon := bytes.IndexByte(field, ':')
	if colon < 0 {
		return dst
	}
	for _, c := range bytes.TrimRight(field[:colon], " \t") {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	start, space := len(dst), false
	for _, c := range field[colon+1:] {
		switch c {
		case ' ', '\t', '\r', '\n':
			space = true
			continue
		}
		if space && len(dst) > start {
			dst = append(dst, ' ')
		}
		space = false
		dst = append(dst, c)
	}
	return append(dst, "\r\n"...)
}

// hashBody hashes a body in relaxed form (3.4.4): runs of white space as one
// space, none at the end of lines, no empty lines at the end.
func hashBody(body []byte) (sum [32]byte) {
	h := sha256.New()
	body = bytes.TrimRight(body, " \t\r\n")
	from := 0 // body[:from] is hashed
	for i := 0; i < len(body); i++ {
		if c := body[i]; c != ' ' && c != '\t' {
			continue
		}
		end := i + 1
		for body[end] == ' ' || body[end] == '\t' { // the body ends with something else
			end++
		}
		switch {
		case body[end] == '\r':
			h.Write(body[from:i])
			from = end
		case end-i > 1 || body[i] == '\t':
			h.Write(body[from:i])
			h.Write([]byte{' '})
			from = end
		}
		i = end
	}
	h.Write(body[from:])
	if len(body) > 0 {
		h.Write([]byte("\r\n"))
	}
	h.Sum(sum[:0])
	return sum
}
