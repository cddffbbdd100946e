package mailbox

import (
	"context"

	"github.com/emersion/go-imap/v2"
)

// Found is what a look at a folder showed.
type Found struct {
	Messages int
	Idle     bool // the server tells when mail comes
}

// Check logs in and looks at the folder, and changes nothing. Errors are those of Open.
func Check(ctx context.Context, a Account) (Found, error) {
	r := New(a, nil)
	defer r.Close()
	data, err := r.open(ctx, true)
	if err != nil {
		return Found{}, err
	}
	return Found{Messages: int(data.NumMessages), Idle: r.caps.Has(imap.CapIdle)}, nil
}
