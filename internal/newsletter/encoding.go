package newsletter

import "errors"

// encoding is base64 or base32.
type encoding interface {
	DecodeString(text string) ([]byte, error)
	EncodeToString(b []byte) string
}

var errEncoding = errors.New("not as it was written")

// decode reads what was written by e, as it was written: the decoders themselves pass
// over the ends of lines, and over bits of the last letter that say nothing, so that
// several texts would mean one thing.
func decode(e encoding, text string) ([]byte, error) {
	b, err := e.DecodeString(text)
	if err == nil && e.EncodeToString(b) != text {
		err = errEncoding
	}
	return b, err
}
