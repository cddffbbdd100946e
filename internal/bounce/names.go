package bounce

import (
	"bytes"
	"encoding/hex"
	"errors"
	"html"
	"io"
	"mime"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
	"golang.org/x/net/html/charset"

	"syndicate/internal/markup"
)

// maxNames bounds the addresses that are looked for in a message.
const maxNames = 200

// Addresses returns the addresses that stand in a message, decoded or as it came: who
// is named in it. It looks at the whole source, at encoded words wherever they are, and
// at all parts that are text or a message. all: there are not more of them, and nothing
// is in it that could not be looked at: an attachment of another type, an encoding that
// is not known or broken, encoded content in what only quotes a mail.
func Addresses(message []byte) (list []string, all bool) {
	n := names{seen: map[string]bool{}}
	raw := trimMailbox(unifyLines(message))
	n.source(raw)
	n.entity(header(raw), body(raw), 0)
	return n.list[:min(len(n.list), maxNames)], !n.hidden && n.encoded <= n.decoded && len(n.list) <= maxNames
}

// names collects who is named in a message.
type names struct {
	list  []string
	seen  map[string]bool
	parts int

	encoded int  // fields that say that content is encoded
	decoded int  // such content that was looked at
	hidden  bool // something could not be
}

var (
	// atext is an address with all that RFC 5322 3.2.3 allows before the @, which in a
	// report would often be punctuation around it.
	atext = regexp.MustCompile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[\\pL\\pN](?:[\\pL\\pN_-]*[\\pL\\pN])?\\.)+[\\pL\\pN](?:[\\pL\\pN-]*[\\pL\\pN])?")

	encodedWords  = regexp.MustCompile(`(?:=\?[^?\s]+\?[BbQq]\?[^?]*\?=\s*)+`)
	encodingField = regexp.MustCompile(`(?im)^[ \t>|]*content-transfer-encoding[ \t]*:[ \t]*(?:\n[ \t]+)*(\S*)`)
	percents      = regexp.MustCompile(`(?i)%(?:25)*[0-9a-f]{2}`)
	armour        = regexp.MustCompile(`(?m)^[ \t>|]*(?:begin(?:-base64)? [0-7]{3,4} \S|-----BEGIN PGP MESSAGE)`)
)

// source looks at the source of an entity, which may have others in it.
func (n *names) source(b []byte) {
	for _, m := range encodingField.FindAllSubmatch(b, -1) {
		if !plain(string(m[1])) {
			n.encoded++
		}
	}
	if armour.Match(b) {
		n.hidden = true
	}
	n.text(string(b))
	if s := decodeText(b, ""); s != string(b) {
		n.text(s)
	}
}

// entity looks at what an entity has encoded: source saw the rest.
func (n *names) entity(h fields, b []byte, depth int) {
	if n.parts++; n.parts > maxParts || depth > maxDepth {
		n.hidden = true
		return
	}
	kind, params := contentType(h)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		n.multipart(b, params["boundary"], depth)
		return
	case kind == "message/partial", kind != "" && !strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "message/"):
		n.hidden = n.hidden || len(bytes.TrimSpace(b)) > 0
	}
	if encoding := h.get("Content-Transfer-Encoding"); !plain(encoding) {
		var whole bool
		if b, whole = decodeWhole(encoding, b); !whole {
			n.hidden = true
		}
		n.decoded++
		b = unifyLines(b)
		n.source(b)
	}
	if kind == "message/rfc822" || kind == "message/global" {
		b = trimMailbox(b)
		n.entity(header(b), body(b), depth+1)
		return
	}
	if label := params["charset"]; label != "" {
		if enc, _ := charset.Lookup(strings.TrimSpace(label)); enc == nil {
			n.hidden = true
		}
	}
	s := asText(b, params)
	n.text(s)
	if kind == "text/html" {
		n.text(html.UnescapeString(s))
		n.text(markup.Text(s))
	}
}

func (n *names) multipart(b []byte, boundary string, depth int) {
	r := textproto.NewMultipartReader(bytes.NewReader(b), boundary)
	for boundary != "" && n.parts <= maxParts {
		p, err := r.NextPart()
		if err != nil { // the end, or broken: what is encoded behind it was counted
			return
		}
		content, _ := io.ReadAll(p) // what there is of a part that is cut off
		var h fields
		for f := p.Header.Fields(); f.Next(); {
			h = append(h, field{f.Key(), f.Value()})
		}
		n.entity(h, content, depth+1)
	}
}

// text notes the addresses in a text, and in its encoded words (RFC 2047).
func (n *names) text(s string) {
	n.note(s)
	d := mime.WordDecoder{CharsetReader: charsetReader}
	for _, words := range encodedWords.FindAllString(s, -1) {
		out, err := d.DecodeHeader(words)
		if err != nil || encodedWords.MatchString(out) {
			n.hidden = true
		}
		n.note(decodeText([]byte(out), ""))
	}
}

// note notes the addresses in a text, those in links and envelopes too.
func (n *names) note(s string) {
	n.find(s)
	if plain := unescape(s); plain != s {
		n.find(plain)
	}
}

func (n *names) find(s string) {
	for _, pattern := range []*regexp.Regexp{addressPattern, atext} {
		for _, a := range pattern.FindAllString(s, -1) {
			for _, a := range append([]string{a, bareAddress(a), strings.Trim(a, "'")}, enclosed(a)...) {
				if key := strings.ToLower(a); proper(a) && !n.seen[key] && len(n.list) <= maxNames {
					n.seen[key] = true
					n.list = append(n.list, a)
				}
			}
		}
	}
}

// unescape undoes the percent signs of links, however often they were encoded.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return percents.ReplaceAllStringFunc(s, func(code string) string {
		b, err := hex.DecodeString(code[len(code)-2:])
		if err != nil {
			return code
		}
		return string(b)
	})
}

// enclosed returns the addresses that another, or what looks like one in a link, may have
// in it: envelopes of lists (bounces-ann=example.org@…), of forwarders
// (SRS0=…=example.org=ann@…) and with tags (prvs=…=ann@example.org). It cannot know where
// a prefix ends, and so returns more.
func enclosed(address string) []string {
	at := strings.LastIndexByte(address, '@')
	local := address[:at]
	list := tails(local, address[at+1:], "/?&=#")
	i := strings.LastIndexByte(local, '=')
	if i < 0 {
		return list
	}
	before, last := local[:i], local[i+1:]
	if isHost(last) {
		list = append(append(list, before+"@"+last), tails(before, last, "/?&=#+-")...)
	}
	if host := before[strings.LastIndexByte(before, '=')+1:]; isHost(host) {
		list = append(list, last+"@"+host)
	}
	return list
}

// maxTails bounds the guesses where a local part begins.
const maxTails = 10

// tails returns addresses of what follows a delimiter in a local part, the shortest first.
func tails(local, host, delimiters string) (list []string) {
	for i := len(local) - 2; i >= 0 && len(list) < maxTails; i-- {
		if strings.IndexByte(delimiters, local[i]) >= 0 {
			list = append(list, local[i+1:]+"@"+host)
		}
	}
	return list
}

// isHost reports whether a text can be the domain of an address.
func isHost(s string) bool { return strings.Contains(strings.Trim(s, "."), ".") }

// plain reports whether a transfer encoding leaves content as it is.
func plain(encoding string) bool {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

// decodeWhole undoes a transfer encoding. whole: all of it, up to where it may be cut off.
func decodeWhole(encoding string, b []byte) (out []byte, whole bool) {
	mh := message.Header{}
	mh.Set("Content-Transfer-Encoding", strings.ToLower(strings.TrimSpace(encoding)))
	e, err := message.New(mh, bytes.NewReader(b))
	if err != nil {
		return b, false
	}
	out, err = io.ReadAll(e.Body)
	return out, err == nil || errors.Is(err, io.ErrUnexpectedEOF)
}
