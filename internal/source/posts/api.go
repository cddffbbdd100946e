package posts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source/remote"
)

// api is one kind of site.
type api interface {
	page(ctx context.Context, m *memory, q query) (*page, error)
}

// query is what a page is asked for by. Pages are in the order of publication, newest
// first, but for those of changes, which are in the order of these.
type query struct {
	number int       // from 1
	size   int       // posts on the page
	since  time.Time // changed then or later; zero: all
	ids    []string  // only those; nil: all
	idOnly bool
	byID   bool // in the order of ids, which no two posts share, where the site can
	have   fetch.Validators
}

// page is what came.
type page struct {
	posts       []post
	total       int // posts of the site that fit the query
	last        bool
	notModified bool
	validators  fetch.Validators
	fresh       time.Duration
}

// post is one of a site's.
type post struct {
	item    remote.Item // nothing but its ID, if only that was asked for
	changed time.Time
	hidden  bool // nobody may read it who has no password
}

// errNoJSON means that something else answered than the API.
var errNoJSON = errors.New("the answer is not what the API of such a site answers")

// errNoID means that a post cannot be told from others.
var errNoID = errors.New("it has a post without an id")

// get asks for a page, and reads it into v. Where nothing changed, v stays as it is.
func (o *Options) get(ctx context.Context, r fetch.Request, v any) (*page, http.Header, error) {
	resp, err := o.Client.Do(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if !resp.NotModified {
		if err := json.Unmarshal(resp.Body, v); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errNoJSON, err)
		}
	}
	return &page{notModified: resp.NotModified, validators: resp.Validators, fresh: fetch.Fresh(resp.Header, o.now())}, resp.Header, nil
}

// status returns the code of an answer that is no success, 0: it is none.
func status(err error) int {
	if s, ok := errors.AsType[*fetch.StatusError](err); ok {
		return s.Code
	}
	return 0
}
