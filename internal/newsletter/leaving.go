package newsletter

import "time"

// UndoLeaving is how long leaving can be undone by a link in an old mail, which others
// may have got hold of since. After that whoever wants to come back signs up.
const UndoLeaving = 30 * 24 * time.Hour

// LeaveReason is why somebody left. The words are stored, and name the words of pages.
type LeaveReason string

// LeaveReasons returns those that the page offers, in its order.
func LeaveReasons() []LeaveReason {
	return []LeaveReason{"often", "unexpected", "never", "broken", "else"}
}
