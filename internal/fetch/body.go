package fetch

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxCodings is how often a body may be compressed upon itself.
const maxCodings = 2

// readBody reads and decompresses a body of at most limit bytes.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var in io.Reader = resp.Body
	codings := codingsOf(resp.Header)
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("the answer is compressed %d times over", len(codings))
	}
	for i := len(codings) - 1; i >= 0; i-- {
		if codings[i] != "gzip" && codings[i] != "x-gzip" {
			return nil, fmt.Errorf("the answer is compressed in a way that nobody asked for (%q)", codings[i])
		}
		buffered := bufio.NewReader(in)
		in = buffered
		if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
			continue // it says so, but is not; an empty body, for one
		}
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("decompressing the answer: %w", err)
		}
		in = unzipped
	}
	body, err := io.ReadAll(io.LimitReader(in, limit+1))
	switch {
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
	case err != nil:
		return nil, fmt.Errorf("the answer ends early: %w", err)
	}
	return body, nil
}

func codingsOf(h http.Header) (codings []string) {
	for _, c := range strings.Split(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
			codings = append(codings, c)
		}
	}
	return codings
}
