package mailer_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"syndicate/internal/mailer"
)

// FuzzRecord: a record of the DNS that is good has the key in it.
func FuzzRecord(f *testing.F) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	k, err := mailer.NewKey("example.org", "s1", private)
	if err != nil {
		f.Fatal(err)
	}
	_, public, _ := strings.Cut(k.Record(), "p=")
	f.Add(k.Record())
	f.Add("v=DKIM1; k=ed25519; h=sha1:sha256; s=*; t=y; p=" + public[:10] + "\t \r\n " + public[10:])
	f.Add("p==;k=;=;v=DKIM1;;p=")
	f.Fuzz(func(t *testing.T, record string) {
		if err := k.CheckRecord(record); err == nil && !strings.Contains(strings.Join(strings.Fields(record), ""), strings.TrimRight(public, "=")) {
			t.Errorf("%q is good, and %s is not in it", record, public)
		} else if err != nil && err.Error() == "" {
			t.Errorf("%q is not good, and nobody says why", record)
		}
	})
}
