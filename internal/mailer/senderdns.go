package mailer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Standing is what the DNS says of one means by which receivers tell a sender.
type Standing struct {
	Good bool
	Bad  bool   // receivers distrust every message for it
	Text string // a sentence without a full stop
	Hint string // may be empty
}

// CheckDKIM asks whether the DNS has the public half of a key.
func CheckDKIM(ctx context.Context, dns *net.Resolver, k *Key) Standing {
	const hint = "syndicate dkim show prints what it should have"
	records, err := texts(ctx, dns, k.RecordName(), "")
	switch {
	case err != nil:
		return silent(err)
	case len(records) == 0:
		return Standing{Text: "the DNS has no record " + k.RecordName() + " (yet)", Hint: hint}
	case len(records) > 1:
		return Standing{Bad: true, Text: fmt.Sprintf("the DNS has %d records %s, and receivers want one", len(records), k.RecordName()), Hint: hint}
	}
	if err := k.CheckRecord(records[0]); err != nil {
		return Standing{Bad: true, Text: fmt.Sprintf("the DNS has a record %s, but %s", k.RecordName(), err), Hint: hint}
	}
	if has(tagList(records[0])["t"], "y") {
		return Standing{Text: "the record " + k.RecordName() + " says that the domain is only testing (t=y)", Hint: "take t=y out: some receivers count such signatures for nothing"}
	}
	return Standing{Good: true, Text: fmt.Sprintf("%s: the DNS has the key (%s)", k.Selector, k.Kind())}
}

// CheckSPF asks who may send for a domain (RFC 7208). Whether the relay is among
// them only the relay's operator knows.
func CheckSPF(ctx context.Context, dns *net.Resolver, domain string) Standing {
	records, err := texts(ctx, dns, domain, "v=spf1")
	switch {
	case err != nil:
		return silent(err)
	case len(records) == 0:
		return Standing{
			Text: "the DNS does not say who may send for " + domain,
			Hint: "it wants a TXT record such as v=spf1 include:spf.relay.example ~all; the relay's documentation says which",
		}
	case len(records) > 1:
		return Standing{Bad: true, Text: fmt.Sprintf("%s has %d records, and receivers want one (RFC 7208 4.5)", domain, len(records)), Hint: "make one of them"}
	}
	terms := strings.Fields(strings.ToLower(records[0]))
	for _, term := range terms[1:] {
		switch {
		case term == "all" || term == "+all":
			return Standing{Text: "all the world may send for " + domain + " (+all)", Hint: "end the record with ~all or -all"}
		case term == "~all" || term == "-all" || strings.HasPrefix(term, "redirect="):
			return Standing{Good: true, Text: records[0]}
		}
	}
	return Standing{Text: "nobody is kept from sending for " + domain + ": " + records[0], Hint: "end the record with ~all or -all"}
}

// CheckDMARC asks what receivers are to do with mail from a domain that neither
// SPF nor DKIM proves. The domain's own record counts, else that of the nearest
// parent that has one. keys are what sign for the domain.
func CheckDMARC(ctx context.Context, dns *net.Resolver, domain string, keys []*Key) Standing {
	for d := domain; strings.Contains(d, "."); _, d, _ = strings.Cut(d, ".") {
		records, err := texts(ctx, dns, "_dmarc."+d, "v=dmarc1")
		switch {
		case err != nil:
			return silent(err)
		case len(records) > 1:
			return Standing{Bad: true, Text: fmt.Sprintf("_dmarc.%s has %d records, and receivers ignore them all", d, len(records)), Hint: "make one of them"}
		case len(records) == 1:
			return policy(domain, d, records[0], keys)
		}
	}
	return Standing{
		Text: "the DNS has no record _dmarc." + domain + ", which large receivers want of whoever mails many people",
		Hint: "a TXT record v=DMARC1; p=none is a beginning",
	}
}

// policy reads the DMARC record of a domain or one of its parents.
func policy(domain, at, record string, keys []*Key) Standing {
	tags := tagList(record)
	p := strings.ToLower(tags["p"])
	if sub := strings.ToLower(tags["sp"]); at != domain && sub != "" {
		p = sub
	}
	if p != "none" && p != "quarantine" && p != "reject" {
		return Standing{Text: fmt.Sprintf("_dmarc.%s says %q, which is none of none, quarantine and reject", at, p), Hint: "v=DMARC1; p=none is a beginning"}
	}
	if strings.EqualFold(tags["adkim"], "s") && len(keys) > 0 && keys[0].Domain != domain {
		return Standing{
			Bad:  p != "none",
			Text: fmt.Sprintf("_dmarc.%s wants signatures of %s itself (adkim=s), ours are of %s", at, domain, keys[0].Domain),
			Hint: "syndicate dkim keygen " + domain + " makes keys",
		}
	}
	return Standing{Good: true, Text: fmt.Sprintf("p=%s, said by _dmarc.%s", p, at)}
}

// texts returns the TXT records of a name that begin with a version, as a word.
// That there are none is no error.
func texts(ctx context.Context, dns *net.Resolver, name, version string) ([]string, error) {
	all, err := dns.LookupTXT(ctx, name+".") // the dot: no search list
	var failed *net.DNSError
	if err != nil && (!errors.As(err, &failed) || !failed.IsNotFound) {
		return nil, err
	}
	var list []string
	for _, text := range all {
		first, _, _ := strings.Cut(text, ";")
		if words := strings.Fields(first); version == "" || len(words) > 0 && strings.EqualFold(words[0], version) {
			list = append(list, text)
		}
	}
	return list, nil
}

// silent is the standing of a domain whose DNS gives no answer.
func silent(err error) Standing {
	why := err.Error()
	var failed *net.DNSError
	switch {
	case errors.As(err, &failed) && failed.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		why = "no answer in time"
	case errors.As(err, &failed):
		why = failed.Err
	}
	return Standing{Text: "the DNS cannot be asked: " + why, Hint: "--offline leaves it out"}
}
