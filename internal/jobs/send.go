package jobs

import (
	"context"
	"errors"
	"time"

	"syndicate/internal/newsletter"
)

// SendOptions says which issue is sent by hand.
type SendOptions struct {
	Newsletter string
	Hash       string // of the preview that is meant (its beginning is enough); empty: whatever is composed
	NoRefresh  bool   // do not look for new articles and list lines first
	NoWait     bool   // leave sealing and delivery to Serve
	Confirm    func(context.Context, []Preview) (bool, error)
}

// Send composes an issue now, by hand, and waits until it is delivered.
func (s *Service) Send(ctx context.Context, o SendOptions) (RunReport, error) {
	return RunReport{}, errors.ErrUnsupported
}

// DryRun says what Send would do; it changes nothing.
func (s *Service) DryRun(ctx context.Context, name string) (DryRun, error) {
	return DryRun{}, errors.ErrUnsupported
}

// SendTest sends the leading digest of the next issue to one address: a copy with
// another Message-ID that no ledger knows.
func (s *Service) SendTest(ctx context.Context, name, to string) (newsletter.Reply, error) {
	return newsletter.Reply{}, errors.ErrUnsupported
}

// Message returns the leading digest of a preview as a finished message to the
// address: what .eml files hold.
func (s *Service) Message(p Preview, to string) ([]byte, error) { return nil, errors.ErrUnsupported }

// Approve lets an issue go out; hash (its beginning is enough) names what was
// looked at. store.ErrConflict: it is another, or the issue does not wait.
func (s *Service) Approve(ctx context.Context, issue int64, hash string) error {
	return errors.ErrUnsupported
}

// Pause stops an issue within seconds.
func (s *Service) Pause(ctx context.Context, issue int64, reason string) error {
	return errors.ErrUnsupported
}

// Resume lets a paused issue go on.
func (s *Service) Resume(ctx context.Context, issue int64) error { return errors.ErrUnsupported }

// Cancel stops an issue for good and returns how many deliveries will not happen.
func (s *Service) Cancel(ctx context.Context, issue int64, reason string) (int, error) {
	return 0, errors.ErrUnsupported
}

// Retry makes the failed deliveries of an issue pending again, and the uncertain
// ones if wanted, and returns how many.
func (s *Service) Retry(ctx context.Context, issue int64, uncertain bool) (int, error) {
	return 0, errors.ErrUnsupported
}

// NextDue returns when each newsletter with a schedule is due next.
func (s *Service) NextDue(now time.Time) []NextDue { return nil }
