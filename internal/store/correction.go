package store

import (
	"bytes"
	"encoding/json"
)

// readsAlike reports whether people read in the article what they read before: a
// change of its address, labels or dates is no correction, and readers are not to
// be told of one.
func (a *incoming) readsAlike() (bool, error) {
	old := a.old
	if a.Title != old.title || a.Summary != old.summary || a.print.body != old.bodyHash {
		return false, nil
	}
	was, err := old.decodeMeta()
	if err != nil {
		return false, err
	}
	is := articleMeta{
		Authors: a.Authors, Image: a.Image, Enclosures: a.Enclosures, Episode: a.Episode, License: a.License, Copyright: a.Copyright, Origin: a.Origin,
	}
	was.Tags, was.Aliases, was.Wish = nil, nil, ""
	before, err := json.Marshal(was)
	if err != nil {
		return false, err
	}
	now, err := json.Marshal(is)
	return bytes.Equal(before, now), err
}
