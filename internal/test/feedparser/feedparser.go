// Package feedparser reads feeds over HTTP with Python's feedparser (Debian's
// python3-feedparser), on which many readers stand.
package feedparser

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"syndicate/internal/test"
)

//go:embed visit.py
var script string

// Ask is a visit to a feed. ETag and Modified are those of an earlier answer; it
// sends what is not empty.
type Ask struct {
	URL      string `json:"url"`
	ETag     string `json:"etag"`
	Modified string `json:"modified"`
}

// Answer is what feedparser makes of a feed.
type Answer struct {
	Status   int    `json:"status"`
	Problem  string `json:"problem"` // it is not well-formed, not served as what it is, or did not come
	ETag     string `json:"etag"`
	Modified string `json:"modified"`
	Title    string `json:"title"`
	Entries  []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		Link  string `json:"link"`
	} `json:"entries"`
}

// Reader is a Python that has feedparser.
type Reader struct{ python string }

// Find looks for one; it skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Reader {
	t.Helper()
	python, err := test.Python(t.Context(), "feedparser")
	if err != nil {
		test.Missing(t, "feedparser", err)
	}
	return &Reader{python}
}

// Visit visits feeds, one after the other, and returns what became of each.
func (r *Reader) Visit(ctx context.Context, asks []Ask) (answers []Answer, err error) {
	input, err := json.Marshal(asks)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, r.python, "-c", script)
	c.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	output, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("feedparser: %w\n%s", err, complaints.Bytes())
	}
	if err := json.Unmarshal(output, &answers); err != nil {
		return nil, fmt.Errorf("feedparser: %w", err)
	}
	if len(answers) != len(asks) {
		return nil, fmt.Errorf("feedparser: %d answers to %d visits", len(answers), len(asks))
	}
	return answers, nil
}
