package main

import (
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1: "-1", -123456: "-123,456",
	} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	verbs := []string{"run", "serve", "send", "status", "subscribers", "suppressions"}
	for word, want := range map[string]string{
		"sned": "send", "serv": "serve", "sub": "subscribers", "RUN": "run", "supressions": "suppressions",
		"frobnicate": "", "x": "", "": "", "statut": "status",
	} {
		if got := nearest(word, verbs); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestPlain: nothing that came from outside moves the cursor of a terminal.
func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"L’été — « là »":      "L’été — « là »",
		"a\x1b[31mred\r\nb":   "a [31mred  b",
		"c1 \u009b31m":        "c1  31m",
		"line\u2028 breaks":   "line  breaks",
		"not UTF-8: \xff end": "not UTF-8: \ufffd end",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestSaid: a message whose sender was killed has no answer, and that is said.
func TestSaid(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]failureView{
		"550 5.1.1 nobody":                     {Code: 550, Reply: "5.1.1 nobody"},
		"the relay closed the connection":      {Reply: "the relay closed the connection"},
		"the sender stopped before the answer": {},
	} {
		if got := f.said(); got != want {
			t.Errorf("%+v said %q, want %q", f, got, want)
		}
	}
}

// TestIssueLine: what was never tried is not told as to be tried again.
func TestIssueLine(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]jobs.IssueReport{
		"5 sent, 1 failed, 8 to go, 2 to be tried again, paused: a typo": {
			Issue: newsletter.Issue{State: newsletter.IssuePaused, Reason: "a typo"}, Sent: 5, Failed: 1, Deferred: 10, Tried: 2,
		},
		"5 sent, 2 to be tried again": {Issue: newsletter.Issue{State: newsletter.IssueSending}, Sent: 5, Deferred: 2, Tried: 2},
		"7 sent, 1 uncertain":         {Issue: newsletter.Issue{State: newsletter.IssueSent}, Sent: 7, Uncertain: 1},
	} {
		if got := issueLine(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRetried(t *testing.T) {
	t.Parallel()
	r := jobs.IssueReport{Issue: newsletter.Issue{State: newsletter.IssueSending}, Uncertain: 2}
	if got, want := retried(0, false, r), "there is nothing to try again; 2 messages may have arrived, --uncertain sends them again"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := retried(0, true, r), "there is nothing to try again"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
