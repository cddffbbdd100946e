package jobs_test

import (
	"bytes"
	"context"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

var sendNoWait = jobs.SendOptions{Newsletter: "weekly", NoRefresh: true, NoWait: true}

// TestConfirm: people are mailed only after a yes; a rehearsal and an issue that
// waits for approval do not ask.
func TestConfirm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.article()
	s.subscribe(2)
	v := s.service(withRelay(k.relay("main")))
	asked := 0
	answer := func(yes bool) func(context.Context, jobs.Question) (bool, error) {
		return func(_ context.Context, q jobs.Question) (bool, error) {
			asked++
			if len(q.Begun) != 0 || len(q.Issues) != 1 || q.Issues[0].Recipients != 2 || q.Issues[0].Number != 1 {
				t.Errorf("asked about %+v", q)
			}
			return yes, nil
		}
	}
	r := s.runWith(v, jobs.RunOptions{Confirm: answer(false)})
	if !r.Declined || len(r.Issues) != 0 || len(k.to()) != 0 {
		t.Errorf("after a no: %+v", r)
	}
	r, err := v.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly", Confirm: answer(true)})
	if err != nil {
		t.Fatal(err)
	}
	s.counts(s.issue(r), newsletter.IssueSent, 2, 0, 0, 0)
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	s.article()
	s.runWith(s.service(), jobs.RunOptions{Confirm: answer(false)})
	s.edit(func(n *newsletter.Newsletter) { n.Approval = true })
	s.runWith(s.service(withRelay(k.relay("main"))), jobs.RunOptions{Confirm: answer(false)})
	if asked != 2 {
		t.Errorf("a rehearsal or an approval asked")
	}
}

// TestConfirmBegun: an issue that was agreed to before goes on, and the question
// about the next one says so.
func TestConfirmBegun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.article()
	s.subscribe(3)
	v := s.service(withRelay(k.relay("main")))
	if _, err := v.Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	s.article()
	r := s.runWith(v, jobs.RunOptions{Confirm: func(_ context.Context, q jobs.Question) (bool, error) {
		if len(q.Issues) != 1 || q.Issues[0].Number != 2 || len(q.Begun) != 1 {
			t.Fatalf("asked about %+v", q)
		}
		s.counts(q.Begun[0], newsletter.IssueSent, 3, 0, 0, 0)
		return false, nil
	}})
	if !r.Declined || r.Accepted != 3 || len(k.to()) != 3 {
		t.Errorf("after a no: %d accepted, %d arrived, %+v", r.Accepted, len(k.to()), r)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	title := s.article()
	s.subscribe(3)
	s.subscribe(2, func(l *newsletter.Line) { l.Email = strings.Replace(l.Email, "example.org", "gmail.com", 1) })
	s.subscribe(1, wanting("chess"))
	gone := s.subscribe(1)
	if err := s.store.Suppress(t.Context(), gone[0], newsletter.CauseBounce, 0, "", s.clock.now()); err != nil {
		t.Fatal(err)
	}
	d, err := s.service().DryRun(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Domains) != 2 || d.Domains[0] != (jobs.DomainCount{Domain: "example.org", Count: 3}) || d.Domains[1] != (jobs.DomainCount{Domain: "gmail", Count: 2}) || d.Preview.Recipients != 5 {
		t.Errorf("domains %+v of %d recipients", d.Domains, d.Preview.Recipients)
	}
	m, err := parse(d.Messages[0])
	if err != nil || !strings.Contains(m.Text, title) || m.Header.Get("To") != "subscriber@example.org" {
		t.Errorf("message %v (%v)\n%s", m.Header, err, m.Text)
	}
	if issues, err := s.store.Issues(t.Context(), store.IssueQuery{}); err != nil || len(issues) != 0 {
		t.Errorf("a dry run made issues: %+v (%v)", issues, err)
	}
	if d, err := s.service().DryRun(t.Context(), "monthly"); err == nil {
		t.Errorf("a newsletter that does not exist: %+v", d)
	}
}

// TestSendTest: a test copy goes to one address, under another Message-ID each
// time, with links that act for nobody, and leaves no trace.
func TestSendTest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	title := s.article()
	s.subscribe(2)
	k := newSink(t)
	v := s.service(withRelay(nobodyHome(t), k.relay("main")))
	p, err := v.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if reply, err := v.SendTest(t.Context(), p, " Editor@News.Example.org "); err != nil || reply.Code != 250 {
			t.Fatalf("%+v, %v", reply, err)
		}
	}
	got := k.messages()
	if len(got) != 2 || got[0].To != "Editor@news.example.org" || !strings.Contains(got[0].Text, title) || got[0].MessageID == got[1].MessageID {
		t.Fatalf("got %+v", got)
	}
	if strings.Contains(got[0].Text, "/unsubscribe/") || !strings.Contains(got[0].Text, "https://news.example.org/newsletters/weekly") {
		t.Errorf("the links of\n%s", got[0].Text)
	}
	if issues, err := s.store.Issues(t.Context(), store.IssueQuery{}); err != nil || len(issues) != 0 {
		t.Errorf("a test copy made issues: %+v (%v)", issues, err)
	}
	for _, to := range []string{"", "editor", "a@b\r\nRCPT TO:<c@d>", "é@example.org"} {
		if _, err := v.SendTest(t.Context(), p, to); err == nil {
			t.Errorf("sent to %q", to)
		}
	}
	if _, err := s.service(withRelay(nobodyHome(t))).SendTest(t.Context(), p, "editor@example.org"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("no relay: %v", err)
	}

	rehearsal := s.service()
	if _, err := rehearsal.SendTest(t.Context(), p, "editor@example.org"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(s.outbox, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files in the outbox (%v)", len(files), err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := mail.ReadMessage(bytes.NewReader(data)); err != nil || !strings.Contains(msg.Header.Get("To"), "editor@example.org") {
		t.Errorf("the file is no such message: %v", err)
	}
}

// TestCancel: cancelled before anything went out, the articles are new again.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	title := s.article()
	readers := s.subscribe(4)
	r := s.run(s.service(withRelay(nobodyHome(t))))
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	if n, err := v.Cancel(t.Context(), s.issue(r).Issue.ID, "a mistake"); err != nil || n != 4 {
		t.Fatalf("%d cancelled, %v", n, err)
	}
	r = s.run(v)
	i := s.issue(r)
	s.counts(i, newsletter.IssueSent, 4, 0, 0, 0)
	same(t, k.to(), readers)
	if i.Issue.Number != 2 || !strings.Contains(k.messages()[0].Text, title) {
		t.Errorf("issue %+v", i.Issue)
	}
}
