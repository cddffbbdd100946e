package roster_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// cellsOf are texts that a list may hold, among them those that spreadsheets run.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "''@x", "'t Hooft", "'", "Ann, \"A\"", "a;b", "Élise Œuvre", "名前"}),
		rapid.StringMatching(`[='@+\-][a-zé'",;|]{0,5}`),
		rapid.StringMatching(`[a-zA-Z]{1,8}( [a-zà-ÿ'-]{1,8})?`),
	)
}

func subscriptions() *rapid.Generator[newsletter.Subscription] {
	at := func(t *rapid.T, label string) time.Time {
		if !rapid.Bool().Draw(t, label+"?") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(1e12, 2e12).Draw(t, label)).UTC()
	}
	return rapid.Custom(func(t *rapid.T) newsletter.Subscription {
		s := newsletter.Subscription{
			Newsletter: "weekly", Hour: rapid.IntRange(-1, 23).Draw(t, "hour"), MaxItems: rapid.IntRange(0, 1000).Draw(t, "items"),
			State:      rapid.SampledFrom([]newsletter.SubscriptionState{"pending", "confirmed", "unsubscribed"}).Draw(t, "state"),
			Cadence:    rapid.SampledFrom([]newsletter.Cadence{newsletter.EachIssue, newsletter.Monthly, newsletter.On(time.Monday)}).Draw(t, "cadence"),
			PausedTill: at(t, "paused"), ByFeed: rapid.Bool().Draw(t, "by feed"), ConsentAt: at(t, "consent"), CreatedAt: at(t, "created"),
			Source: rapid.SampledFrom([]string{"file", "cli", "form", "import 7"}).Draw(t, "source"),
			Proof:  rapid.SampledFrom([]string{"{}", `{"ip":"192.0.2.0/24","page":"=x"}`, `{"program":"listmonk"}`}).Draw(t, "proof"),
			Topics: newsletter.SplitTopics(newsletter.JoinTopics(rapid.SliceOfN(rapid.SampledFrom([]string{"sea", "web", "@home", "=x", "go"}), 0, 3).Draw(t, "topics"))),
		}
		s.Subscriber = newsletter.Subscriber{
			Email:    rapid.StringMatching(`['=+\-]?[a-zA-Z0-9]{1,8}`).Draw(t, "local") + "@example.org",
			Name:     texts().Draw(t, "name"),
			Language: rapid.SampledFrom([]string{"", "en", "fr-CA"}).Draw(t, "language"),
			TimeZone: rapid.SampledFrom([]string{"", "Europe/Paris"}).Draw(t, "zone"),
		}
		if s.State == newsletter.SubscriptionUnsubscribed {
			s.LeftAt, s.LeftBy = time.UnixMilli(1.5e12).UTC(), "link"
		}
		fields := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"cadence", "hour", "topics", "name"}), 0, 3, rapid.ID).Draw(t, "owned")
		slices.Sort(fields)
		s.SetByOwner = fields
		return s
	})
}

// taken is the subscription that a line makes.
func taken(l *newsletter.Line, created time.Time) newsletter.Subscription {
	s := newsletter.Subscription{
		Subscriber: newsletter.Subscriber{Email: l.Email, Name: *l.Name, Language: *l.Language, TimeZone: *l.TimeZone},
		Newsletter: "weekly", State: l.State, Topics: *l.Topics, ConsentAt: l.ConsentAt, Source: "import 1", Proof: l.Proof, LeftAt: l.LeftAt, LeftBy: l.LeftBy,
		Cadence: l.Choices.Cadence, Hour: l.Choices.Hour, MaxItems: l.Choices.MaxItems, PausedTill: l.Choices.PausedTill, ByFeed: l.Choices.ByFeed, SetByOwner: l.Choices.SetByOwner,
		CreatedAt: created,
	}
	if s.Proof == "" {
		s.Proof = "{}"
	}
	return s
}

func written(t *rapid.T, list []newsletter.Subscription, causes []newsletter.Cause) []byte {
	var b bytes.Buffer
	w, err := roster.NewWriter(&b)
	for i := range list {
		err = errors.Join(err, w.Write(&list[i], causes[i]))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An export that is imported and exported again is the same, and no spreadsheet runs
// any of it.
func TestExportIsLossless(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(subscriptions(), 1, 4).Draw(t, "list")
		causes := make([]newsletter.Cause, len(list))
		for i := range causes {
			causes[i] = rapid.SampledFrom([]newsletter.Cause{"", "", newsletter.CauseBounce, newsletter.CauseOperator}).Draw(t, "cause")
		}
		first := written(t, list, causes)
		rows, err := csv.NewReader(bytes.NewReader(first)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, c := range row {
				if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
					t.Fatalf("a cell starts a formula: %s", c)
				}
			}
		}
		x, err := roster.NewImport(bytes.NewReader(first), roster.ImportOptions{})
		if err != nil || x.Format() != "syndicate" {
			t.Fatal(err, x.Format())
		}
		var again []newsletter.Subscription
		var suppressed []newsletter.Cause
		for {
			l, err := x.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, taken(&l, list[len(again)].CreatedAt))
			suppressed = append(suppressed, l.Suppressed)
		}
		// The last column says by what it was made, which is now the import.
		if d := cmp.Diff(withoutLast(t, first), withoutLast(t, written(t, again, suppressed))); d != "" {
			t.Fatalf("(- first, + again)\n%s", d)
		}
	})
}

// withoutLast are a list's cells but for the last column; proofs are in one form.
func withoutLast(t *rapid.T, list []byte) [][]string {
	rows, err := csv.NewReader(bytes.NewReader(list)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], "proof")
	for i, row := range rows {
		if i > 0 && row[at] != "" {
			var v any
			if err := json.Unmarshal([]byte(row[at]), &v); err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			row[at] = string(b)
		}
		rows[i] = row[:len(row)-1]
	}
	return rows
}
