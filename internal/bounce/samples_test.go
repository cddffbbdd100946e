package bounce_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/bounce"
	"syndicate/internal/newsletter"
)

var (
	samples = flag.String("samples", "", "a folder of real bounces to be measured on")
	labels  = flag.String("labels", "", "what is true of them, a JSON object a line: file, recipient, alias, reason, hardbounce (as sisimai names them)")
)

// label is what is true of one recipient of one sample.
type label struct {
	File, Recipient, Alias, Reason string
	HardBounce                     bool
}

// TestSamples measures on bounces that are not in this repository. It prints
// rates, and with -v each sample that is read differently.
func TestSamples(t *testing.T) {
	if *samples == "" {
		t.Skip("needs -samples")
	}
	var recipients, kinds, rightRecipients, rightKinds, files, unread int
	for file, want := range readLabels(t) {
		f, err := os.Open(filepath.Join(*samples, file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := bounce.Parse(f, bounce.Options{})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		files++
		if got[0].Kind == newsletter.ReportUnclassified {
			unread++
			if testing.Verbose() {
				t.Logf("%s: unclassified, %s", file, got[0].Diagnostic)
			}
		}
		for _, w := range want {
			r, named := match(got, w)
			if w.Recipient != "" {
				recipients++
				if named {
					rightRecipients++
				} else if testing.Verbose() {
					t.Logf("%s: recipient %s, got %s %s", file, w.Recipient, r.Recipient, r.Final)
				}
			}
			counts, right := sameKind(r, w)
			if counts {
				kinds++
				if right {
					rightKinds++
				} else if testing.Verbose() {
					t.Logf("%s: %s (hard: %t), got %s, %s: %s %d %.150s", file, w.Reason, w.HardBounce, r.Kind, r.Reason, r.Status, r.Code, r.Diagnostic)
				}
			}
		}
	}
	t.Logf("%d files, %d unclassified; recipient right: %d of %d (%.1f %%); hard or soft right: %d of %d (%.1f %%)", files, unread,
		rightRecipients, recipients, percent(rightRecipients, recipients), rightKinds, kinds, percent(rightKinds, kinds))
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

func readLabels(t *testing.T) map[string][]label {
	t.Helper()
	f, err := os.Open(*labels)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]label{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l label
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out[l.File] = append(out[l.File], l)
	}
	return out
}

// match returns the report about the label's recipient, or the first.
func match(reports []bounce.Report, w label) (bounce.Report, bool) {
	for _, r := range reports {
		for _, a := range []string{r.Recipient, r.Final} {
			if a != "" && (strings.EqualFold(a, w.Recipient) || strings.EqualFold(a, w.Alias)) {
				return r, true
			}
		}
	}
	return reports[0], false
}

// sameKind compares what is done about a report with what the label says.
// Not counted: suspended accounts, which are a matter of taste, and "filtered",
// which is how sisimai reads "user unknown" of servers it knows for their filters.
func sameKind(r bounce.Report, w label) (counts, right bool) {
	switch w.Reason {
	case "suspend", "filtered":
		return false, false
	case "feedback":
		return true, r.Kind == newsletter.ReportComplaint || r.Kind == newsletter.ReportNotice || r.Kind == newsletter.ReportUnsubscribe || r.Kind == newsletter.ReportBlock
	case "vacation":
		return true, r.Kind == newsletter.ReportAutoReply
	case "delivered":
		return true, r.Kind == newsletter.ReportDelivered
	case "undefined", "onhold", "":
		return true, r.Kind != newsletter.ReportHard
	}
	if w.HardBounce {
		return true, r.Kind == newsletter.ReportHard
	}
	return true, r.Kind == newsletter.ReportSoft || r.Kind == newsletter.ReportBlock || r.Kind == newsletter.ReportDelayed
}
