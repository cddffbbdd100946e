package roster

import (
	"cmp"
	"fmt"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// format is how a program writes its lists. What each column becomes is told in
// docs/subscribers.md.
type format struct {
	name, title string
	marks       [][]string // columns: where all of one set are there, it is this format
	columns     []column
	standing    func(values) (newsletter.SubscriptionState, newsletter.Cause, error) // whether there is to be mail
	filed       func(name string) string                                             // the state of all lines of a file of that name, where no column has it; nil: names say nothing
}

// column is a column by its names, in lower case with spaces.
type column struct {
	role  role
	names []string
}

func emailNames() []string {
	return []string{"email", "e mail", "mail", "email address", "e mail address", "courriel", "adresse e mail", "adresse email"}
}

// generic is the format of lists that an operator keeps, and of those that no
// program is known by. It is a value that never changes.
var generic = format{
	name: "csv", title: "CSV",
	columns: []column{
		{email, emailNames()},
		{fullName, []string{"name", "full name", "nom"}},
		{lang, []string{"language", "lang", "langue", "locale"}},
		{topics, []string{"topics", "topic", "tags", "sujets", "thèmes"}},
		{zone, []string{"time zone", "timezone", "tz", "fuseau horaire"}},
		{state, []string{"state", "status", "état", "statut"}},
		{consentAt, []string{"consent at"}},
		{source, []string{"consent source"}},
		{known, []string{"newsletter"}},
	},
	standing: byState,
}

// programs are the formats that are told by their columns, and that of mailing
// lists, which has none.
func programs() []*format {
	return []*format{syndicateFormat(), listmonkFormat(), mailchimpFormat(), ghostFormat(), substackFormat(), buttondownFormat(), mailmanFormat()}
}

// Formats returns the names of the formats.
func Formats() []string {
	names := []string{generic.name}
	for _, f := range programs() {
		names = append(names, f.name)
	}
	return names
}

func formatNamed(name string) *format {
	for _, f := range programs() {
		if f.name == name {
			return f
		}
	}
	if name == generic.name {
		return &generic
	}
	return nil
}

// syndicateFormat is what Writer writes.
func syndicateFormat() *format {
	return &format{
		name: "syndicate", title: "Syndicate", standing: byState,
		marks: [][]string{{"email", "newsletter", "state", "consent source"}},
		columns: []column{
			{email, []string{"email"}},
			{fullName, []string{"name"}},
			{lang, []string{"language"}},
			{topics, []string{"topics"}},
			{zone, []string{"time zone"}},
			{state, []string{"state"}},
			{suppressed, []string{"suppressed"}},
			{cadence, []string{"cadence"}},
			{hour, []string{"hour"}},
			{items, []string{"max items"}},
			{paused, []string{"paused until"}},
			{byFeed, []string{"by feed"}},
			{owned, []string{"set by owner"}},
			{consentAt, []string{"consent at"}},
			{source, []string{"consent source"}},
			{proof, []string{"proof"}},
			{leftAt, []string{"left at"}},
			{leftBy, []string{"left by"}},
			{forLetter, []string{"newsletter"}},
			{known, []string{"created at", "source"}},
		},
	}
}

// listmonkFormat is what its page of subscribers exports.
func listmonkFormat() *format {
	return &format{
		name: "listmonk", title: "listmonk", standing: byState,
		marks: [][]string{{"uuid", "email", "attributes", "status"}},
		columns: []column{
			{email, []string{"email"}},
			{fullName, []string{"name"}},
			{state, []string{"status"}},
			{optIn, []string{"created at"}},
			{known, []string{"uuid", "updated at"}},
		},
	}
}

// mailchimpFormat is one of the files of an exported audience: subscribed, unsubscribed,
// cleaned, nonsubscribed. The last are people who never agreed to anything; nothing in
// their file says so, but its name.
func mailchimpFormat() *format {
	return &format{
		name: "mailchimp", title: "Mailchimp",
		filed: func(name string) string {
			name = strings.ToLower(name)
			for prefix, state := range map[string]string{"unsubscribed": "unsubscribed", "cleaned": "cleaned", "nonsubscribed": "nonsubscribed", "non-subscribed": "nonsubscribed"} {
				if strings.HasPrefix(name, prefix) {
					return state
				}
			}
			return ""
		},
		marks: [][]string{{"optin time"}, {"member rating", "last changed"}, {"leid", "euid"}, {"unsub time"}, {"clean time"}},
		columns: []column{
			{email, emailNames()},
			{first, []string{"first name", "fname", "prénom"}},
			{last, []string{"last name", "lname", "nom"}},
			{fullName, []string{"name", "full name"}},
			{state, []string{"status"}},
			{optIn, []string{"optin time"}},
			{optInIP, []string{"optin ip"}},
			{confirm, []string{"confirm time"}},
			{confirmIP, []string{"confirm ip"}},
			{source, []string{"source"}},
			{leftAt, []string{"unsub time"}},
			{bouncedAt, []string{"clean time"}},
			{tags, []string{"tags"}},
			{known, []string{"leid", "euid", "last changed", "member rating"}},
		},
		standing: func(v values) (newsletter.SubscriptionState, newsletter.Cause, error) {
			if v.text(state) != "" {
				return byState(v)
			}
			// The files of who left and who bounced are told by a column of when. A line
			// without a time is none that may be taken for somebody who wants mail.
			for _, r := range []role{leftAt, bouncedAt} {
				switch at, there := v(r); {
				case at != "" && r == leftAt:
					return newsletter.SubscriptionUnsubscribed, "", nil
				case at != "":
					return newsletter.SubscriptionConfirmed, newsletter.CauseBounce, nil
				case there:
					return "", "", &fault{role: r, reason: "state", text: "it cannot be told whether its owner left or it bounced: the time of that is empty"}
				}
			}
			return newsletter.SubscriptionConfirmed, "", nil
		},
	}
}

// ghostFormat is what its page of members exports.
func ghostFormat() *format {
	return &format{
		name: "ghost", title: "Ghost", standing: byMailed,
		marks: [][]string{{"email", "subscribed to emails"}},
		columns: []column{
			{email, []string{"email"}},
			{fullName, []string{"name"}},
			{mailed, []string{"subscribed to emails"}},
			{optIn, []string{"created at"}},
			{deletedAt, []string{"deleted at"}},
			{tags, []string{"labels"}},
			{known, []string{"id"}},
		},
	}
}

// substackFormat is its email list, or what its page of subscribers exports.
// Active is there who pays; who reads for nothing gets mail, too.
func substackFormat() *format {
	return &format{
		name: "substack", title: "Substack", standing: byMailed,
		marks: [][]string{{"email", "email disabled"}, {"email", "active subscription"}, {"email", "subscription source (free)"}, {"email", "stripe plan", "start date"}},
		columns: []column{
			{email, []string{"email"}},
			{fullName, []string{"name"}},
			{unmailed, []string{"email disabled"}},
			{optIn, []string{"created at", "start date"}},
			{source, []string{"subscription source (free)"}},
		},
	}
}

// buttondownFormat is its export of subscribers; the type says whether they want
// mail.
func buttondownFormat() *format {
	return &format{
		name: "buttondown", title: "Buttondown",
		marks: [][]string{{"creation date", "type"}, {"creation date", "subscriber type"}, {"creation date", "metadata"}, {"email address", "metadata", "notes"}},
		columns: []column{
			{email, []string{"email", "email address"}},
			{state, []string{"type", "subscriber type"}},
			{optIn, []string{"creation date"}},
			{optInIP, []string{"ip address"}},
			{source, []string{"source"}},
			{metadata, []string{"metadata"}},
			{leftAt, []string{"unsubscription date"}},
			{bouncedAt, []string{"undeliverability date"}},
			{tags, []string{"tags"}},
			{known, []string{"id", "secondary id"}},
		},
		standing: func(v values) (newsletter.SubscriptionState, newsletter.Cause, error) {
			s, cause, err := byState(v)
			switch {
			case err != nil:
			case v.text(leftAt) != "":
				s = newsletter.SubscriptionUnsubscribed
			case v.text(bouncedAt) != "" && cause == "":
				cause = newsletter.CauseBounce
			}
			return s, cause, err
		},
	}
}

// mailmanFormat is addresses one a line, with names or without, of Mailman 2 and 3
// and their like; or columns of Mailman 3's web page.
func mailmanFormat() *format {
	return &format{
		name: "mailman", title: "a mailing list", standing: byState,
		marks: [][]string{{"address", "display name"}, {"email", "display name"}},
		columns: []column{
			{email, []string{"address", "email"}}, {fullName, []string{"display name"}},
		},
	}
}

// byState reads the word of a column.
func byState(v values) (newsletter.SubscriptionState, newsletter.Cause, error) {
	word := strings.ToLower(v.text(state))
	cause := newsletter.Cause(v.text(suppressed))
	switch cause {
	case "", newsletter.CauseBounce, newsletter.CauseComplaint, newsletter.CauseOperator, newsletter.CauseErasure:
	default:
		return "", "", &fault{role: suppressed, reason: "state", text: fmt.Sprintf("%q is no cause of a suppression", cause)}
	}
	switch word {
	case "", "confirmed", "subscribed", "active", "enabled",
		"regular", "premium", "gifted", "trialed", "churning", "churned", "past_due", "paused", "upcoming": // Buttondown: what they pay
		return newsletter.SubscriptionConfirmed, cause, nil
	case "pending", "unconfirmed", "unactivated":
		if _, own := v(owned); own {
			return newsletter.SubscriptionPending, cause, nil
		}
		return "", "", &fault{role: state, reason: "not confirmed", needless: true, text: "its owner has not confirmed the subscription"}
	case "unsubscribed", "left", "removed", "blocklisted", "blacklisted", "opted out", "désabonné", "désinscrit":
		return newsletter.SubscriptionUnsubscribed, cause, nil
	case "bounced", "cleaned", "undeliverable":
		return newsletter.SubscriptionConfirmed, cmp.Or(cause, newsletter.CauseBounce), nil
	case "complained", "complaint", "spam":
		return newsletter.SubscriptionUnsubscribed, cmp.Or(cause, newsletter.CauseComplaint), nil
	}
	return "", "", &fault{role: state, reason: "state", needless: true, text: fmt.Sprintf("its state is %q, so it gets no mail there", word)}
}

// byMailed reads whether mail is switched off.
func byMailed(v values) (newsletter.SubscriptionState, newsletter.Cause, error) {
	if v.text(deletedAt) != "" {
		return "", "", &fault{role: deletedAt, reason: "deleted there", needless: true, text: "it was deleted there"}
	}
	wants := true
	for _, r := range []role{mailed, unmailed} {
		s, there := v(r)
		yes, ok := truth(s)
		switch {
		case !there:
		case !ok:
			return "", "", &fault{role: r, reason: "state", text: fmt.Sprintf("%q does not say whether there is to be mail; true or false would", s)}
		case yes == (r == unmailed):
			wants = false
		}
	}
	if !wants {
		return newsletter.SubscriptionUnsubscribed, "", nil
	}
	return newsletter.SubscriptionConfirmed, "", nil
}

func truth(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "t", "y":
		return true, true
	case "false", "no", "0", "f", "n":
		return false, true
	}
	return false, false
}

// compose makes a name of first and last name, where there is no column for the
// whole.
func (f *format) compose(v values) string {
	name := markup.CleanLine(v.text(first) + " " + v.text(last))
	if name == "" {
		name = markup.CleanLine(namedIn(v.text(metadata)))
	}
	return name
}
