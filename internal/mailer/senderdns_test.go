package mailer_test

import (
	"context"
	"strings"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/test/dns"
)

// TestSenderDNS asks a real server; a zone has one record on each line. What begins
// with good, bad or else weak is followed by how the text begins.
func TestSenderDNS(t *testing.T) {
	t.Parallel()
	k := key(t, "example.org", "ed")
	record := k.RecordName() + `. IN TXT "` + k.Record()
	for _, tt := range []struct{ what, zone, want string }{
		{"dkim", record + `"`, "good ed: the DNS has the key (Ed25519)"},
		{"dkim", strings.Replace(record, "p=", `p=" "`, 1) + `"`, "good ed: the DNS has the key"},
		{"dkim", record + `; t=y"`, "weak the record ed._domainkey.example.org says that the domain is only testing"},
		{"dkim", record + "\"\n" + record + `"`, "bad the DNS has 2 records ed._domainkey.example.org, and receivers want one"},
		{"dkim", strings.Replace(record, "p=", "p=A", 1) + `"`, "bad the DNS has a record ed._domainkey.example.org, but "},
		{"dkim", `x. IN TXT "x"`, "weak the DNS has no record ed._domainkey.example.org (yet)"},

		{"spf", `example.org. IN TXT "v=spf1 mx -all"`, "good v=spf1 mx -all"},
		{"spf", `example.org. IN TXT "V=SPF1 redirect=_spf.example.com"`, "good V=SPF1"},
		{"spf", `example.org. IN TXT "v=spf1 mx"`, "weak nobody is kept from sending for example.org"},
		{"spf", `example.org. IN TXT "v=spf1 ?all"`, "weak nobody is kept"},
		{"spf", `example.org. IN TXT "v=spf1 +all"`, "weak all the world may send for example.org"},
		{"spf", `example.org. IN TXT "v=spf10 mx -all"`, "weak the DNS does not say who may send for example.org"},
		{"spf", "example.org. IN TXT \"v=spf1 -all\"\nexample.org. IN TXT \"v=spf1 mx -all\"", "bad example.org has 2 records"},

		{"dmarc", `_dmarc.news.example.org. IN TXT "v=DMARC1; p=reject"`, "good p=reject, said by _dmarc.news.example.org"},
		{"dmarc", `_dmarc.example.org. IN TXT "v=DMARC1;p=Reject;sp=none"`, "good p=none, said by _dmarc.example.org"},
		{"dmarc", `_dmarc.org. IN TXT "v=DMARC1; p=none"`, "weak the DNS has no record _dmarc.news.example.org"},
		{"dmarc", `_dmarc.example.org. IN TXT "v=DMARC1; rua=mailto:a@example.org"`, `weak _dmarc.example.org says ""`},
		{"dmarc", `_dmarc.example.org. IN TXT "v=DMARC1; p=reject; adkim=s"`, "bad _dmarc.example.org wants signatures of news.example.org itself (adkim=s), ours are of example.org"},
		{"dmarc", `_dmarc.example.org. IN TXT "v=DMARC1; p=none; adkim=s"`, "weak _dmarc.example.org wants signatures"},
		{"dmarc", "_dmarc.example.org. IN TXT \"v=DMARC1; p=none\"\n_dmarc.example.org. IN TXT \"v=DMARC1; p=reject\"", "bad _dmarc.example.org has 2 records"},
	} {
		address, stop, err := dns.Serve(func() (string, error) { return tt.zone, nil })
		if err != nil {
			t.Fatal(err)
		}
		got := standing(t.Context(), tt.what, address, k)
		stop()
		word := "weak"
		switch {
		case got.Good && got.Bad:
			word = "both"
		case got.Good:
			word = "good"
		case got.Bad:
			word = "bad"
		}
		if said := word + " " + got.Text; !strings.HasPrefix(said, tt.want) || !got.Good && got.Hint == "" {
			t.Errorf("%s\n got %s (%s)\nwant %s", tt.zone, said, got.Hint, tt.want)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, what := range []string{"dkim", "spf", "dmarc"} {
		for _, ctx := range []context.Context{t.Context(), over} {
			if got := standing(ctx, what, "", k); got.Good || got.Bad || !strings.HasPrefix(got.Text, "the DNS cannot be asked: ") {
				t.Errorf("%s without DNS: %+v", what, got)
			}
		}
	}
}

func standing(ctx context.Context, what, address string, k *mailer.Key) mailer.Standing {
	resolver := dns.Resolver(address)
	switch what {
	case "dkim":
		return mailer.CheckDKIM(ctx, resolver, k)
	case "spf":
		return mailer.CheckSPF(ctx, resolver, "example.org")
	}
	return mailer.CheckDMARC(ctx, resolver, "news.example.org", []*mailer.Key{k})
}
