package newsletter

// LeaveReason is why somebody left. The words are stored, and name the words of pages.
type LeaveReason string

// LeaveReasons returns those that the page offers, in its order.
func LeaveReasons() []LeaveReason {
	return []LeaveReason{"often", "unexpected", "never", "broken", "else"}
}
