package bounce

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"syndicate/internal/newsletter"
)

// ErrSignature says that a webhook was not signed by whom it should be: nothing
// in it may be believed.
var ErrSignature = errors.New("the signature does not fit")

// readJSON decodes what a provider sent.
func readJSON(provider string, body []byte, into any) error {
	if len(body) > MaxMessage {
		return fmt.Errorf("a webhook of %s has more than %d bytes", provider, MaxMessage)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("a webhook of %s is not what it should be: %w", provider, err)
	}
	return nil
}

// verdict is what a provider makes of a receiver's words.
type verdict int

const (
	unsure    verdict = iota // it says nothing that counts
	permanent                // for good: counts where the table knows nothing
	temporary                // not for good: the table does not make it hard
)

// providerReport makes a report of what a provider says of one recipient. The
// receiver's words are judged by the table.
func providerReport(provider, recipient, status string, code int, said string, v verdict) Report {
	said = afterType(said)
	why := combined(findStatus(status), said)
	if why.Code == 0 && code >= 400 && code < 600 { // providers have codes of their own, such as 605
		why.Code = code
	}
	r := Report{Source: SourceProvider, Reporter: provider, Status: why.Status, Code: why.Code, Diagnostic: oneLine(said)}
	r.Recipient = firstAddress(recipient)
	r.Kind, r.Reason = newsletter.Classify(why)
	switch {
	case v == permanent && r.Reason == "":
		r.Kind = newsletter.ReportHard
	case v == temporary && r.Kind == newsletter.ReportHard, r.Kind == newsletter.ReportUnclassified:
		r.Kind = newsletter.ReportSoft
	}
	return r
}

// as returns the report with another kind, for what a provider knows better.
func (r Report) as(kind newsletter.ReportKind, reason newsletter.Reason) Report {
	r.Kind, r.Reason = kind, reason
	return r
}

func firstAddress(s string) string {
	if found := addressesIn(s); len(found) > 0 {
		return found[0]
	}
	return ""
}

func bareID(id string) string { return oneLine(strings.Trim(strings.TrimSpace(id), "<>")) }
