// Package w3c validates feeds with the W3C's feed validator. No registry of packages
// has it: FEEDVALIDATOR names a checkout of https://github.com/w3c/feedvalidator, which
// needs Debian's python3-lxml, python3-rdflib and python3-html5lib.
package w3c

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/test"
)

//go:embed validate.py
var script string

// Validator is a Python with a checkout of the validator.
type Validator struct{ python, dir string }

// Find looks for them; it skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Validator {
	t.Helper()
	v := &Validator{dir: os.Getenv("FEEDVALIDATOR")}
	err := errors.New("FEEDVALIDATOR names no checkout of github.com/w3c/feedvalidator")
	if v.dir != "" {
		if v.dir, err = filepath.Abs(v.dir); err == nil {
			v.python, err = test.Python(t.Context(), "lxml, rdflib, html5lib")
		}
	}
	if err != nil {
		test.Missing(t, "feedvalidator", err)
	}
	return v
}

// Check says what the validator has to say of the documents with these names below a
// folder that is published at an address: errors and warnings alike.
func (v *Validator) Check(ctx context.Context, folder, address string, names ...string) error {
	if len(names) == 0 {
		return errors.New("no documents to validate")
	}
	type feed struct {
		File string `json:"file"`
		URL  string `json:"url"`
		Type string `json:"type"`
	}
	var feeds []feed
	for _, name := range names {
		mediaType := "application/rss+xml; charset=utf-8"
		if strings.HasSuffix(name, ".atom") {
			mediaType = "application/atom+xml; charset=utf-8"
		}
		feeds = append(feeds, feed{filepath.Join(folder, filepath.FromSlash(name)), address + (&url.URL{Path: "/" + name}).EscapedPath(), mediaType})
	}
	input, err := json.Marshal(feeds)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, v.python, "-c", script, v.dir)
	c.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	output, err := c.Output()
	if err != nil {
		return fmt.Errorf("the validator: %w\n%s", err, complaints.Bytes())
	}
	var found [][]string
	if err := json.Unmarshal(output, &found); err != nil {
		return fmt.Errorf("the validator: %w", err)
	}
	if len(found) != len(feeds) {
		return fmt.Errorf("the validator: %d results of %d documents", len(found), len(feeds))
	}
	var problems []error
	for i, list := range found {
		for _, p := range list {
			problems = append(problems, fmt.Errorf("%s: %s", names[i], p))
		}
	}
	return errors.Join(problems...)
}
