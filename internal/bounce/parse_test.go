package bounce_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"syndicate/internal/bounce"
	"syndicate/internal/newsletter"
)

var update = flag.Bool("update", false, "write what is read into testdata")

const archive = "testdata/reports.txtar"

var options = bounce.Options{Unsubscribe: []string{"leave@bounces.example.org"}}

// TestReports reads every message of the archive, with the line ends of Unix, of
// SMTP and of old Macs.
func TestReports(t *testing.T) {
	t.Parallel()
	ar, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(ar.Files); i += 2 {
		mail, want := ar.Files[i], &ar.Files[i+1]
		name := strings.TrimSuffix(mail.Name, ".eml")
		if want.Name != name+".want" {
			t.Fatalf("%s stands without what is wanted", mail.Name)
		}
		for _, ends := range []string{"\n", "\r\n", "\r"} {
			got := describe(t, strings.ReplaceAll(string(mail.Data), "\n", ends))
			if *update && ends == "\n" {
				want.Data = []byte(got)
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("%s, line ends %q (-want +got):\n%s", name, ends, diff)
			}
		}
	}
	if *update {
		if err := os.WriteFile(archive, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func describe(t *testing.T, message string) string {
	t.Helper()
	reports, err := bounce.Parse(strings.NewReader(message), options)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&b, "%s %q %s final=%s status=%s code=%d by %s from %s\n  %s\n", r.Kind, r.Reason, r.Recipient, r.Final, r.Status, r.Code, r.Source, r.Reporter, r.Diagnostic)
	}
	r := reports[0]
	fmt.Fprintf(&b, "id=%s to=%s leave=%s\n", r.MessageID, strings.Join(r.To, ","), r.Unsubscribe)
	return b.String()
}

// TestNoFailure: what a mail system's address writes without a sign of a failed delivery is
// no bounce, whatever address it names.
func TestNoFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, subject, text string
		want                newsletter.ReportKind
	}{
		{"MAILER-DAEMON", "failure notice", "Sorry, it did not work out. noemie@example.net", newsletter.ReportSoft},
		{"postmaster", "Your message", "Something strange happened to our pigeons with sacha.b@example.net", newsletter.ReportUnclassified},
		{"postmaster", "Scheduled maintenance", "Our mail servers will be down on Sunday.", newsletter.ReportUnclassified},
		{"postmaster", "Your message", "It could not be delivered to sacha.b@example.net", newsletter.ReportSoft},
		{"postmaster", "Your message", "sacha.b@example.net\n450 4.3.2 system down", newsletter.ReportSoft},
		{"postmaster", "Your message", "The mailbox of sacha.b@example.net is full.", newsletter.ReportSoft},
	} {
		message := "From: " + tt.from + "@example.net\nTo: bounces+key@bounces.example.org\nSubject: " + tt.subject + "\n\n" + tt.text + "\n"
		got, err := bounce.Parse(strings.NewReader(message), options)
		if err != nil || got[0].Kind != tt.want {
			t.Errorf("%s: %+v, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}
