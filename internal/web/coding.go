package web

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a content coding (RFC 9110 8.4.1).
type coding uint8

// The codings, the one that is sent first where a client likes several equally: by
// how small they make a feed.
const (
	identity coding = iota
	brotliCoding
	zstdCoding
	gzipCoding
	codings
)

// name is the coding's name in headers.
func (c coding) name() string { return [codings]string{"", "br", "zstd", "gzip"}[c] }

// suffix tells the entity tags of a document's codings apart: strong ones have to
// differ (RFC 9110 8.8.3.3).
func (c coding) suffix() string { return [codings]string{"", "-br", "-zs", "-gz"}[c] }

// smallest is from how many bytes on a document is compressed: below, the frame
// of a coding eats what it saves.
const smallest = 256

// How hard a document is compressed. It is done once and sent often, but somebody
// may wait for it.
const (
	gzipLevel   = 6
	brotliLevel = 6
	zstdLevel   = zstd.SpeedBetterCompression

	zstdWindow   = 1 << 20 // bytes; more than 8 MB is refused by browsers (RFC 9659)
	brotliWindow = 20      // the same, as a power of two
)

// encode returns the body in a coding. The same body gives the same bytes.
func (c coding) encode(body []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(body) / 3)
	var z io.WriteCloser
	var err error
	switch c {
	case brotliCoding:
		z = brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: brotliLevel, LGWin: brotliWindow})
	case zstdCoding:
		z, err = zstd.NewWriter(&b, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	case gzipCoding:
		z, err = gzip.NewWriterLevel(&b, gzipLevel)
	default:
		return body, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(b.Bytes()), nil
}

// accepted returns the coding that a client likes best by its Accept-Encoding, of
// those that it likes equally the first of ours. Who refuses everything gets the
// document as it is.
func accepted(values []string) coding {
	if len(values) == 1 {
		switch values[0] { // nearly everybody says one of these
		case "gzip", "gzip, deflate", "gzip,deflate", "deflate, gzip":
			return gzipCoding
		case "gzip, deflate, br", "gzip, deflate, br, zstd", "gzip,deflate,br":
			return brotliCoding
		}
	}
	likes := weights(values)
	best, high := identity, 0.0
	for c := brotliCoding; c < codings; c++ {
		if likes[c] > high {
			best, high = c, likes[c]
		}
	}
	if likes[identity] > high {
		return identity
	}
	return best
}

// weights reads Accept-Encoding (RFC 9110 12.5.3): how much a client likes each
// coding, 0 for those that it does not take. What is named itself goes before *.
func weights(values []string) (likes [codings]float64) {
	rest := 0.0 // of *
	var named [codings]bool
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, q := weighed(part)
			c := identity
			switch strings.ToLower(name) {
			case "br":
				c = brotliCoding
			case "zstd":
				c = zstdCoding
			case "gzip", "x-gzip":
				c = gzipCoding
			case "identity":
			case "*":
				rest = q
				continue
			default:
				continue
			}
			likes[c], named[c] = q, true
		}
	}
	for c := brotliCoding; c < codings; c++ {
		if !named[c] {
			likes[c] = rest
		}
	}
	return likes
}

// weighed splits an element of a header's list into what it names and its
// quality (RFC 9110 12.4.2): 1 where it has none, 0 where it cannot be read.
func weighed(part string) (name string, q float64) {
	name, params, _ := strings.Cut(part, ";")
	name, q = strings.TrimSpace(name), 1
	for p := range strings.SplitSeq(params, ";") {
		key, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(f >= 0) {
			return name, 0
		}
		return name, min(f, 1)
	}
	return name, q
}
