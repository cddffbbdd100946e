package bounce_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"syndicate/internal/bounce"
)

// FuzzParse: whatever comes back, there is a report, and what is in it fits for a
// log line and a row.
func FuzzParse(f *testing.F) {
	ar, err := txtar.ParseFile(archive)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range ar.Files {
		if strings.HasSuffix(file.Name, ".eml") {
			f.Add(string(file.Data))
		}
	}
	f.Fuzz(func(t *testing.T, message string) {
		reports, err := bounce.Parse(strings.NewReader(message), options)
		if err != nil {
			t.Fatal(err)
		}
		if len(reports) == 0 {
			t.Fatal("no report")
		}
		checkReports(t, reports)
	})
}

// FuzzProviders: the same for what providers send.
func FuzzProviders(f *testing.F) {
	for _, s := range []string{sesBounce, sendGridEvents, postmarkBounce, mailgunFailure("1", "2", "3")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, parse := range []func([]byte) ([]bounce.Report, error){
			bounce.ParseSES, bounce.ParseSendGrid, bounce.ParsePostmark,
			func(b []byte) ([]bounce.Report, error) { return bounce.ReadMailgun(b, "key", time.Unix(1, 0)) },
		} {
			if reports, err := parse([]byte(body)); err == nil {
				checkReports(t, reports)
			}
		}
	})
}

func checkReports(t *testing.T, reports []bounce.Report) {
	t.Helper()
	if len(reports) > 10_000 {
		t.Fatalf("%d reports", len(reports))
	}
	for _, r := range reports {
		if r.Kind == "" || r.Source == "" {
			t.Fatalf("a report of no kind: %+v", r)
		}
		for _, s := range append([]string{r.Recipient, r.Final, r.Status, r.Diagnostic, r.Reporter, r.MessageID, r.Unsubscribe}, r.To...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || len(s) > 2000 {
				t.Fatalf("not fit to be kept: %q", s)
			}
		}
	}
}
