package store_test

import (
	"strings"
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestTraces: what is held about somebody is found, wherever it is, and goes when they
// are erased.
func TestTraces(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		email := must(b.Subscription(ctx, ids[0], "weekly"))(b).Subscriber.Email
		other := must(b.Subscription(ctx, ids[1], "weekly"))(b).Subscriber.Email
		must(b.SyncList(ctx, "weekly", []newsletter.Line{line(email, "name", "Ann")}, false, b.Now()))(b)
		must(b.letter(newsletter.LetterAccess, ids[0], ""))(b)
		b.askChange(ids[1], strings.ToUpper(email))
		must(b.letter(newsletter.LetterAccess, ids[1], ""))(b)
		b.ok(b.AskSignUp(ctx, "weekly", strings.ToUpper(email), newsletter.SignUp{Source: "form", Page: "/newsletters/weekly"}, 10))
		b.ok(b.AskSignUp(ctx, "weekly", other, newsletter.SignUp{Source: "embed"}, 10))
		for _, said := range []string{email, other} {
			b.bounce(store.Bounced{Kind: newsletter.ReportUnclassified, Said: []byte(said), Message: []byte("about " + said), Names: []string{said}}, store.BounceNobody)
		}

		got := must(b.Traces(ctx, ids[0], email))(b)
		var letters []string
		for _, l := range got.Letters {
			letters = append(letters, string(l.Kind)+" "+l.State.String())
		}
		equal(b, letters, []string{"change pending", "access pending"})
		equal(b, []int{len(got.SignUps), len(got.Messages), len(got.Lines)}, []int{1, 1, 1})
		equal(b, got.SignUps[0].Page, "/newsletters/weekly")
		equal(b, got.Messages[0].Bytes, len("about "+email))
		equal(b, got.Lines[0], store.TracedLine{Newsletter: "weekly", Cells: `{"name":"Ann"}`})

		held := b.lease("w") // a letter in a worker's hands keeps its row, without the address
		b.ok(b.Erase(ctx, email, b.Now()))
		equal(b, must(b.Traces(ctx, 0, email))(b), store.Traces{})
		b.ok(b.Release(ctx, held.Chunk, held.Fence))
		for _, query := range []string{"letters WHERE lower(address) = $1", "signups WHERE lower(email) = $1", "subscribers WHERE lower(email) = $1"} {
			equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM "+query, strings.ToLower(email)))(b), 0)
		}
		left := must(b.Traces(ctx, ids[1], other))(b)
		equal(b, []int{len(left.Letters), len(left.SignUps), len(left.Messages)}, []int{1, 1, 1})
		l := b.lease("w") // only the other's own letter goes out
		equal(b, []string{string(l.Letter.Kind), l.Rows[0].Email}, []string{"access", other})
	})
}

// TestNothingIsHeldUnseen: each column of the tables about people is in what they can
// download (jobs.Record), or is listed here with the reason why not. Whoever adds a column
// decides, and thinks of Erase, too.
func TestNothingIsHeldUnseen(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	for table, columns := range map[string]string{
		// hash, domain: follow from the address
		"subscribers": "id email hash name domain created_at",
		// suppressed, file_line, feed_hash: as suppressions, List, HasFeed say; heard: that a reason was given, which nobody can tell from others
		"subscriptions": "newsletter subscriber state suppressed language time_zone topics cadence hour max_items paused_till cursor rehearsal_cursor served " +
			"rehearsal_served consent_at source proof left_at left_by set_by_owner file_line by_feed feed_hash heard created_at updated_at",
		"tombstones":   "hash newsletter cause at",
		"suppressions": "hash cause issue note at held",
		// chunk, n: where it is; old_cursor: what a cancelled one returns
		"deliveries": "chunk n subscriber digest state attempts first_try due_at settled_at old_cursor reply_code reply",
		// content: the letter's words, which are the same for everybody; mailbox: follows from the address
		"letters": "chunk kind rehearsal newsletter subscriber address hash mailbox content asked expires_at created_at",
		"signups": "id newsletter email asked",
		// said: a hash that keeps a report from counting twice
		"bounces":         "id at said kind reason status code words reporter source hash newsletter issue outcome",
		"bounce_messages": "bounce message", // others may stand in it
		"bounce_names":    "hash bounce",
		"replies":         "chunk state code reply count subscriber", // counts; the subscriber is an example, which the deliveries tell
		"reasons":         "id newsletter reason words at",           // nobody's
		"former":          "hash was subscriber",                     // whom the links in older mail are for; an address they left, as a hash
	} {
		unknown := must(s.CountRaw(ctx, "SELECT count(*) FROM pragma_table_info($1) WHERE instr($2, ' ' || name || ' ') = 0", table, " "+columns+" "))
		n := must(s.CountRaw(ctx, "SELECT count(*) FROM pragma_table_info($1)", table))
		b := &bench{T: t, Store: s}
		if unknown(b) > 0 || n(b) != len(strings.Fields(columns)) {
			t.Errorf("%s has other columns than these: %s", table, columns)
		}
	}
	// No other table names people by their number, address or hash; those of the last line
	// have hashes of other things, and former keyed hashes of addresses that were left.
	n, err := s.CountRaw(ctx, `SELECT count(*) FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND c.name IN ('subscriber', 'email', 'address', 'hash')
		AND t.name NOT IN ('subscribers', 'subscriptions', 'tombstones', 'suppressions', 'deliveries', 'letters', 'signups', 'bounces', 'bounce_names', 'replies',
			'former', 'forms', 'issues', 'issue_articles', 'frozen', 'lists', 'imports', 'topics', 'articles')`)
	if err != nil || n > 0 {
		t.Errorf("%d more tables about people, %v", n, err)
	}
}
