package roster_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// imported is what an export came to: its format, and each line or problem in words.
func imported(t testing.TB, in io.Reader, o roster.ImportOptions) (format string, words []string) {
	t.Helper()
	x, err := roster.NewImport(in, o)
	if err != nil {
		return "", []string{err.Error()}
	}
	for {
		l, err := x.Next()
		var p *roster.Problem
		switch {
		case errors.Is(err, io.EOF):
			return x.Format(), words
		case errors.As(err, &p):
			words = append(words, fmt.Sprintf("%d:%d: %s (%s)", p.Line, p.Column, p.Message, p.Reason))
		case err != nil:
			return x.Format(), append(words, err.Error())
		default:
			words = append(words, told(l))
		}
	}
}

func told(l newsletter.Line) string {
	parts := []string{l.Email}
	if l.Name != nil && *l.Name != "" {
		parts = append(parts, "name="+*l.Name)
	}
	if l.Topics != nil {
		parts = append(parts, "topics="+strings.Join(*l.Topics, "|"))
	}
	parts = append(parts, string(l.State))
	if l.Suppressed != "" {
		parts = append(parts, "suppressed="+string(l.Suppressed))
	}
	if !l.ConsentAt.IsZero() {
		parts = append(parts, "consent="+l.ConsentAt.Format(time.RFC3339))
	}
	if !l.LeftAt.IsZero() {
		parts = append(parts, "left="+l.LeftAt.Format(time.RFC3339))
	}
	return strings.Join(append(parts, l.Proof), " ")
}

// Each program's export is told by its columns, and only those are subscribed who
// get mail there.
func TestImport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in     string
		o      roster.ImportOptions
		format string
		want   []string
	}{
		"listmonk": {
			in: "uuid,email,name,attributes,status,created_at,updated_at\n" +
				"1-2,ann@example.org,Ann,\"{\"\"city\"\": \"\"Brest\"\"}\",enabled,2024-01-02 10:11:12.131415 +0000 UTC,2024-05-06 01:02:03.000001 +0000 UTC\n" +
				"1-3,bo@example.org,Bo,{},blocklisted,2024-01-02 10:11:12.5 +0100 CET,2024-05-06 01:02:03 +0000 UTC\n" +
				"1-4,cy@example.org,Cy,{},disabled,2024-01-02 10:11:12 +0000 UTC,\n" +
				"1-5,di@example.org,Di,{},enabled,2024-01-02 10:11:12.25 +0530 +0530,2024-01-02 10:11:12.25 +0530 +0530\n" +
				"1-6,ed@example.org,Ed,{},enabled,2024-01-02 10:11:12 +0000 +0000,\n" +
				"1-7,fi@example.org,Fi,{},enabled,2024-01-02 10:11:12.131415+00,\n" +
				"1-8,gil@example.org,Gil,{},enabled,2024-01-02 10:11:12-05,\n",
			format: "listmonk",
			want: []string{
				`ann@example.org name=Ann confirmed consent=2024-01-02T10:11:12Z {"opt_in_at":"2024-01-02T10:11:12Z","program":"listmonk"}`,
				`bo@example.org name=Bo unsubscribed consent=2024-01-02T09:11:12Z {"opt_in_at":"2024-01-02T09:11:12Z","program":"listmonk"}`,
				`4:26: its state is "disabled", so it gets no mail there (state)`,
				`di@example.org name=Di confirmed consent=2024-01-02T04:41:12Z {"opt_in_at":"2024-01-02T04:41:12Z","program":"listmonk"}`,
				`ed@example.org name=Ed confirmed consent=2024-01-02T10:11:12Z {"opt_in_at":"2024-01-02T10:11:12Z","program":"listmonk"}`,
				`fi@example.org name=Fi confirmed consent=2024-01-02T10:11:12Z {"opt_in_at":"2024-01-02T10:11:12Z","program":"listmonk"}`,
				`gil@example.org name=Gil confirmed consent=2024-01-02T15:11:12Z {"opt_in_at":"2024-01-02T15:11:12Z","program":"listmonk"}`,
			},
		},
		"Mailchimp, who is subscribed": {
			in: "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LEID,EUID,NOTES,TAGS\n" +
				"ann@example.org,Ann,Lee,2,\"2020-02-03 04:05:06\",192.0.2.77,\"2020-02-03 04:06:00\",2001:db8:1:2::3,,1,a,,\"\"\"VIP\"\",\"\"Blog\"\"\"\n" +
				"bo@example.org,,,2,,,yesterday,,,2,b,,\n",
			format: "mailchimp",
			want: []string{
				`ann@example.org name=Ann Lee confirmed consent=2020-02-03T04:06:00Z {"confirmed_at":"2020-02-03T04:06:00Z","confirmed_ip":"2001:db8:1::/48","opt_in_at":"2020-02-03T04:05:06Z","opt_in_ip":"192.0.2.0/24","program":"mailchimp"}`,
				`bo@example.org confirmed {"confirmed_at":"yesterday","program":"mailchimp"}`,
			},
		},
		"Mailchimp, tags as topics": {
			in: "Email Address,OPTIN_TIME,TAGS\n" +
				"ann@example.org,,\"\"\"VIP\"\",\"\"Blog\"\"\"\n",
			o:      roster.ImportOptions{Tags: true},
			format: "mailchimp",
			want:   []string{`ann@example.org topics=blog|vip confirmed {"program":"mailchimp"}`},
		},
		"Mailchimp, who left": {
			in: "Email Address,OPTIN_TIME,UNSUB_TIME,UNSUB_REASON,LEID,EUID\n" +
				"ann@example.org,2020-02-03 04:05:06,2021-02-03 04:05:06,OTHER,1,a\n" +
				"bo@example.org,2020-02-03 04:05:06,,,1,a\n",
			format: "mailchimp",
			want: []string{
				`ann@example.org unsubscribed consent=2020-02-03T04:05:06Z left=2021-02-03T04:05:06Z {"opt_in_at":"2020-02-03T04:05:06Z","program":"mailchimp"}`,
				`3:36: it cannot be told whether its owner left or it bounced: the time of that is empty (state)`,
			},
		},
		"Mailchimp, who left, by the name of the file": {
			in:     "Email Address,MEMBER_RATING,OPTIN_TIME,UNSUB_TIME\nann@example.org,2,,2021-02-03 04:05:06\nbo@example.org,2,,\n",
			o:      roster.ImportOptions{Name: "unsubscribed_email_audience_export_3f2a.csv"},
			format: "mailchimp",
			want:   []string{`ann@example.org unsubscribed left=2021-02-03T04:05:06Z {"program":"mailchimp"}`, `bo@example.org unsubscribed {"program":"mailchimp"}`},
		},
		"Mailchimp, who bounced, by the name of the file": {
			in:     "Email Address,MEMBER_RATING,OPTIN_TIME\nann@example.org,2,\n",
			o:      roster.ImportOptions{Name: "cleaned_members_export_3f2a.csv"},
			format: "mailchimp",
			want:   []string{`ann@example.org confirmed suppressed=bounce {"program":"mailchimp"}`},
		},
		"Mailchimp, who never agreed": {
			in:     "Email Address,MEMBER_RATING,OPTIN_TIME\nann@example.org,2,\n",
			o:      roster.ImportOptions{Name: "nonsubscribed_members_export_3f2a.csv"},
			format: "mailchimp",
			want:   []string{`2:0: its state is "nonsubscribed", so it gets no mail there (state)`},
		},
		"Mailchimp, the column before the name of the file": {
			in:     "Email Address,Status,OPTIN_TIME\nann@example.org,subscribed,\nbo@example.org,archived,\n",
			o:      roster.ImportOptions{Name: "unsubscribed.csv"},
			format: "mailchimp",
			want:   []string{`ann@example.org confirmed {"program":"mailchimp"}`, `3:16: its state is "archived", so it gets no mail there (state)`},
		},
		"a name says nothing of others": {
			in:     "email,name\nann@example.org,Ann\n",
			o:      roster.ImportOptions{Name: "unsubscribed.csv"},
			format: "csv",
			want:   []string{`ann@example.org name=Ann confirmed `},
		},
		"Substack, as it is now": {
			in: "Email,Name,Stripe plan,Cancel date,Start date,Paid upgrade date,Activity,Type,Subscription source (free),Country,Group membership\n" +
				"ann@example.org,Ann,,,2026-06-17T10:21:38.759Z,,4,Free,substack-notes,ES,None\n",
			format: "substack",
			want:   []string{`ann@example.org name=Ann confirmed consent=2026-06-17T10:21:38Z {"opt_in_at":"2026-06-17T10:21:38Z","program":"substack","source":"substack-notes"}`},
		},
		"Substack, with another column": {
			in:     "email,active_subscription,expiry,email_disabled,prefer_digests,created_at\nann@example.org,false,,false,true,2025-01-01\n",
			format: "substack",
			want:   []string{`ann@example.org confirmed consent=2025-01-01T00:00:00Z {"opt_in_at":"2025-01-01T00:00:00Z","program":"substack"}`},
		},
		"Ghost, with products": {
			in:     "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,products\n1,ann@example.org,,,true,,,2024-01-15T10:00:00.000Z,,,\n",
			format: "ghost",
			want:   []string{`ann@example.org confirmed consent=2024-01-15T10:00:00Z {"opt_in_at":"2024-01-15T10:00:00Z","program":"ghost"}`},
		},
		"Mailchimp, who bounced": {
			in:     "Email Address,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\nann@example.org,,2021-02-03 04:05:06,May\n",
			format: "mailchimp",
			want:   []string{`ann@example.org confirmed suppressed=bounce {"program":"mailchimp"}`},
		},
		"Ghost": {
			in: "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n" +
				"1,ann@example.org,Ann,,true,false,,2024-01-15T10:00:00.000Z,,\"VIP, old\",\n" +
				"2,bo@example.org,,,false,,,2024-01-15T10:00:00.000Z,,,\n" +
				"3,cy@example.org,,,true,,,2024-01-15T10:00:00.000Z,2024-02-15T10:00:00.000Z,,\n" +
				"4,di@example.org,,,,,,,,,\n",
			format: "ghost",
			want: []string{
				`ann@example.org name=Ann confirmed consent=2024-01-15T10:00:00Z {"opt_in_at":"2024-01-15T10:00:00Z","program":"ghost"}`,
				`bo@example.org unsubscribed consent=2024-01-15T10:00:00Z {"opt_in_at":"2024-01-15T10:00:00Z","program":"ghost"}`,
				`4:52: it was deleted there (deleted there)`,
				`5:20: "" does not say whether there is to be mail; true or false would (state)`,
			},
		},
		"Substack, the list of addresses": {
			in: "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n" +
				"ann@example.org,false,,other,false,2025-01-01T00:00:00.000Z,\n" +
				"bo@example.org,true,2026-12-01T00:00:00.000Z,yearly,true,2025-01-01,2025-06-01\n",
			format: "substack",
			want: []string{
				`ann@example.org confirmed consent=2025-01-01T00:00:00Z {"opt_in_at":"2025-01-01T00:00:00Z","program":"substack"}`,
				`bo@example.org unsubscribed consent=2025-01-01T00:00:00Z {"opt_in_at":"2025-01-01T00:00:00Z","program":"substack"}`,
			},
		},
		"Substack, the page of subscribers": {
			in: "Email,Name,Stripe plan,Cancel date,Start date,Subscription source (free),Type,Email disabled\n" +
				"ann@example.org,Ann,,,2026-06-17T10:21:38.759Z,substack-notes,Free,false\n",
			format: "substack",
			want:   []string{`ann@example.org name=Ann confirmed consent=2026-06-17T10:21:38Z {"opt_in_at":"2026-06-17T10:21:38Z","program":"substack","source":"substack-notes"}`},
		},
		"Buttondown": {
			in: "email,notes,metadata,tags,creation_date,type,source,unsubscription_date,ip_address\n" +
				"ann@example.org,,\"{\"\"first_name\"\": \"\"Ann\"\", \"\"last_name\"\": \"\"Lee\"\"}\",x,2024-03-04T05:06:07Z,premium,form,,198.51.100.9\n" +
				"bo@example.org,,,,2024-03-04T05:06:07Z,unsubscribed,,2024-04-04T05:06:07Z,\n" +
				"cy@example.org,,,,2024-03-04T05:06:07Z,unactivated,,,\n" +
				"di@example.org,,,,2024-03-04T05:06:07Z,undeliverable,,,\n" +
				"ed@example.org,,,,2024-03-04T05:06:07Z,complained,,,\n" +
				"fi@example.org,,,,2024-03-04T05:06:07Z,spammy,,,\n",
			format: "buttondown",
			want: []string{
				`ann@example.org name=Ann Lee confirmed consent=2024-03-04T05:06:07Z {"opt_in_at":"2024-03-04T05:06:07Z","opt_in_ip":"198.51.100.0/24","program":"buttondown","source":"form"}`,
				`bo@example.org unsubscribed consent=2024-03-04T05:06:07Z left=2024-04-04T05:06:07Z {"opt_in_at":"2024-03-04T05:06:07Z","program":"buttondown"}`,
				`4:40: its owner has not confirmed the subscription (not confirmed)`,
				`di@example.org confirmed suppressed=bounce consent=2024-03-04T05:06:07Z {"opt_in_at":"2024-03-04T05:06:07Z","program":"buttondown"}`,
				`ed@example.org unsubscribed suppressed=complaint consent=2024-03-04T05:06:07Z {"opt_in_at":"2024-03-04T05:06:07Z","program":"buttondown"}`,
				`7:40: its state is "spammy", so it gets no mail there (state)`,
			},
		},
		"Mailman": {
			in:     "Anne Person <anne@example.com>\nbart@example.com\n",
			format: "mailman",
			want:   []string{`anne@example.com name=Anne Person confirmed {"program":"mailman"}`, `bart@example.com confirmed {"program":"mailman"}`},
		},
		"a list of nobody in particular": {
			in:     "name;email;status\nAnn;ann@example.org;subscribed\nBo;bo@example.org;unsubscribed\nCy;cy@example.org;who knows\n",
			format: "csv",
			want: []string{
				`ann@example.org name=Ann confirmed `,
				`bo@example.org name=Bo unsubscribed `,
				`4:19: its state is "who knows", so it gets no mail there (state)`,
			},
		},
		"a format that was forced": {
			in:     "uuid,email,attributes,status\n1,ann@example.org,{},enabled\n",
			o:      roster.ImportOptions{Format: "csv"},
			format: "csv",
			want:   []string{`1:0: the columns "uuid", "attributes" are not known and ignored ()`, `ann@example.org confirmed `},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format, words := imported(t, strings.NewReader(c.in), c.o)
			if format != c.format {
				t.Errorf("it was taken for %s", format)
			}
			if d := cmp.Diff(c.want, words); d != "" {
				t.Errorf("(- want, + got):\n%s", d)
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"name,shoe\nAnn,39\n": `line 1: no column is called "email"`,
		"email,name,newsletter,state,consent_source,hour\nann@example.org,,weekly,confirmed,cli,25\n":                     `2:39: "25" cannot be its hour`,
		"email,name,newsletter,state,consent_source,proof\nann@example.org,,weekly,confirmed,cli,[1]\n":                   `2:39: the proof is no JSON object`,
		"email,name,newsletter,state,consent_source,consent_at\nann@example.org,,weekly,confirmed,cli,soon\n":             `2:39: "soon" is no time`,
		"email,name,newsletter,state,consent_source,set_by_owner\nann@example.org,,weekly,confirmed,cli,cadence|cursor\n": `2:39: "cadence|cursor"`,
	} {
		_, words := imported(t, strings.NewReader(in), roster.ImportOptions{})
		if len(words) != 1 || !strings.HasPrefix(words[0], strings.Split(want, "|")[0]) && !strings.Contains(words[0], "cursor") {
			t.Errorf("%q: %q, want %s", in, words, want)
		}
	}
	if _, words := imported(t, strings.NewReader("email\n"), roster.ImportOptions{Format: "excel"}); !strings.Contains(words[0], `"excel" is no format`) {
		t.Error(words)
	}
}

// endless is a list whose second line has no end.
type endless struct {
	text io.Reader
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.text.Read(p)
	if errors.Is(err, io.EOF) {
		n, err = len(p), nil
		for i := range p {
			p[i] = "x,\x00\""[i%4]
		}
	}
	e.read += int64(n)
	return n, err
}

// A line without an end is an error before it fills the memory.
func TestEndlessLine(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"email,name\n", "email,name\n\"", "", "email", "ann@example.org\n"} {
		e := &endless{text: strings.NewReader(head)}
		_, words := imported(t, e, roster.ImportOptions{})
		if len(words) == 0 || !strings.Contains(words[len(words)-1], "no end within 1024 KB") && !strings.Contains(words[len(words)-1], "quotation mark") {
			t.Errorf("%q: %v", head, words)
		}
		if e.read > 4<<20 {
			t.Errorf("%q: %d bytes were read", head, e.read)
		}
	}
}
