package feed

import (
	"context"
	"encoding/json"

	"syndicate/internal/fetch"
	"syndicate/internal/source/remote"
)

// FindFeed is for a test of that part.
var FindFeed = findFeed

// Document is a Reader of a document that came already.
type Document struct{ Response *fetch.Response }

// Read implements remote.Reader.
func (d Document) Read(context.Context, json.RawMessage, bool) (*remote.Answer, error) {
	doc, err := parse(d.Response)
	if err != nil {
		return nil, err
	}
	return &remote.Answer{Items: doc.items, Deleted: doc.deleted, Problems: doc.problems}, nil
}
