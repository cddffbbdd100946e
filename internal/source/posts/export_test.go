package posts

import (
	"context"
	"encoding/json"

	"syndicate/internal/source/remote"
)

// Document is a Reader of a post that came already, as one of the APIs has it.
type Document struct {
	Data  []byte
	Ghost bool
}

// Read implements remote.Reader.
func (d Document) Read(context.Context, json.RawMessage, bool) (*remote.Answer, error) {
	var p post
	if d.Ghost {
		var g ghostPost
		if err := json.Unmarshal(d.Data, &g); err != nil {
			return nil, err
		}
		p = g.post()
	} else {
		var w wordpressPost
		if err := json.Unmarshal(d.Data, &w); err != nil {
			return nil, err
		}
		p = w.post()
	}
	return &remote.Answer{Items: []remote.Item{p.item}, All: []string{p.item.ID}}, nil
}
