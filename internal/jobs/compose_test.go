package jobs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// titles returns which of the titles stand in a text.
func titles(text string, all ...string) []string {
	var out []string
	for _, t := range all {
		if strings.Contains(text, t) {
			out = append(out, t)
		}
	}
	return out
}

// TestGroups: subscribers with other topics, languages and cursors get what is
// new to them, in their language, from one issue.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	old := s.article(tagged("Boats"))
	s.subscribe(3)
	s.run(v)

	boats, bread := s.article(tagged("boats", "sea")), s.article(tagged("bread"))
	s.subscribe(2)
	sailors := s.subscribe(2, wanting("boats", "wind"))
	bakers := s.subscribe(1, wanting("bread"), speaking("fr"))
	nobody := s.subscribe(1, wanting("chess"))
	all := []string{old, boats, bread}

	k.forget()
	r := s.run(v)
	s.counts(s.issue(r), newsletter.IssueSent, 8, 0, 0, 0)
	if slices.ContainsFunc(k.to(), func(a string) bool { return slices.Contains(nobody, a) }) {
		t.Error("somebody got an issue without articles")
	}
	for _, m := range k.messages() {
		want, language := []string{boats, bread}, "en"
		switch {
		case slices.Contains(sailors, m.To):
			want = []string{boats}
		case slices.Contains(bakers, m.To):
			want, language = []string{bread}, "fr"
		}
		if got := titles(m.Text, all...); !slices.Equal(got, want) {
			t.Errorf("%s got %v, want %v", m.To, got, want)
		}
		if got := m.Header.Get("Content-Language"); got != language {
			t.Errorf("%s got language %q, want %q", m.To, got, language)
		}
	}

	// Who was passed over is found when there is something.
	chess := s.article(tagged("chess"))
	k.forget()
	s.run(v)
	for _, m := range k.messages() {
		if slices.Contains(nobody, m.To) && !slices.Equal(titles(m.Text, append(all, chess)...), []string{chess}) {
			t.Errorf("%s got %v", m.To, titles(m.Text, append(all, chess)...))
		}
	}
	if !slices.Contains(k.to(), nobody[0]) {
		t.Error("the chess player was left out")
	}
}

// TestMax: the newest articles are shown, the rest is counted, and all of them
// are served.
func TestMax(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(func(n *newsletter.Newsletter) { n.Max = 2 })
	var all []string
	for range 5 {
		all = append(all, s.article())
	}
	s.subscribe(1)
	v := s.service()
	p, err := v.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	g := p.Groups[0]
	if len(g.Articles) != 2 || g.More != 3 || g.Articles[0].Title != all[4] || g.Articles[1].Title != all[3] {
		t.Errorf("%d articles and %d more: %+v", len(g.Articles), g.More, g.Articles)
	}
	s.run(v)
	if r := s.run(v); r.Newsletters[0].Nothing != "no new article" {
		t.Errorf("what was left out comes back: %+v", r.Newsletters[0])
	}
}

// TestMoreOfTopics: who is shown the same articles, but is left other ones, is
// told the right number.
func TestMoreOfTopics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.edit(func(n *newsletter.Newsletter) { n.Max = 1 })
	v := s.service(withRelay(k.relay("main")))
	all, topical := s.subscribe(1), s.subscribe(1, wanting("sea"))
	s.article()
	s.article(tagged("sea"))
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 2, 0, 0, 0)
	same(t, k.to(), append(all, topical...))
	for _, m := range k.messages() {
		if got, want := strings.Contains(m.Text, "1 more article on the site"), m.To == all[0]; got != want {
			t.Errorf("%s is told of more: %v, want %v", m.To, got, want)
		}
	}
}

func TestMin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.edit(func(n *newsletter.Newsletter) { n.Min = 3 })
	v := s.service(withRelay(k.relay("main")))
	s.subscribe(1)
	topical := s.subscribe(1, wanting("boats"))
	s.article(tagged("boats"))
	s.article()
	if r := s.run(v); r.Newsletters[0].Nothing != "2 new articles, fewer than min (3)" || r.ExitCode() != 0 {
		t.Errorf("got %+v", r.Newsletters[0])
	}
	s.article()
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 1, 0, 0, 0)
	s.article(tagged("boats"))
	s.article(tagged("boats"))
	k.forget()
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 1, 0, 0, 0)
	same(t, k.to(), topical) // whose articles waited until there were three
}

// TestMinIsFrozen: who appears after an issue was composed is judged by the min it
// was composed with.
func TestMinIsFrozen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.edit(func(n *newsletter.Newsletter) { n.Min, n.Approval = 3, true })
	v := s.service(withRelay(k.relay("main")))
	early := s.subscribe(1)
	s.article(tagged("boats"))
	s.article()
	s.article()
	s.run(v)
	s.subscribe(1, wanting("boats"))
	s.edit(func(n *newsletter.Newsletter) { n.Min = 1 })
	v = s.service(withRelay(k.relay("main")))
	i, err := s.store.IssueByNumber(t.Context(), "weekly", false, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Approve(t.Context(), i.ID, i.Hash); err != nil {
		t.Fatal(err)
	}
	s.run(v)
	same(t, k.to(), early)
}

func TestNobodySubscribes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.service()
	if r := s.run(v); r.Newsletters[0].Nothing != "no new article" {
		t.Errorf("got %+v", r.Newsletters[0])
	}
	title := s.article()
	if r := s.run(v); r.Newsletters[0].Nothing != "nobody subscribes" || len(r.Issues) != 0 {
		t.Errorf("got %+v", r.Newsletters[0])
	}
	p, err := v.Preview(t.Context(), "weekly")
	if err != nil || len(p.Groups) != 1 || !strings.Contains(p.Groups[0].Digest.Text, title) {
		t.Errorf("the preview shows nothing: %+v, %v", p, err)
	}
}

// TestIntro: an introduction goes out once; one that was only in a cancelled
// issue has not gone out.
func TestIntro(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	s.subscribe(1)
	intro := func(text string) {
		s.files["intros/weekly.md"] = &fstest.MapFile{Data: []byte(text)}
	}
	issue := func(want string) {
		t.Helper()
		s.article()
		k.forget()
		s.run(v)
		m := k.messages()[0]
		got := ""
		for _, text := range []string{"first words", "second words"} {
			if strings.Contains(m.Text, text) {
				got += text
			}
		}
		if got != want {
			t.Errorf("the issue begins with %q, want %q", got, want)
		}
	}
	intro("\ufeffThe *first words* of all.\r\n")
	issue("first words")
	issue("")
	issue("")
	delete(s.files, "intros/weekly.md")
	issue("")
	intro("The *first words* of all.\n\n")
	issue("")
	intro("The second words.")
	s.article()
	r, err := v.Send(t.Context(), sendNoWait)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Cancel(t.Context(), s.issue(r).Issue.ID, "a mistake"); err != nil {
		t.Fatal(err)
	}
	issue("second words")
	issue("")

	for name, want := range map[string]string{
		strings.Repeat("x", 70_000): "at most 64 KB",
		"caf\xe9":                   "not UTF-8",
	} {
		intro(name)
		s.article()
		if r := s.run(v); !strings.Contains(r.Newsletters[0].Error, want) || r.ExitCode() != 1 {
			t.Errorf("error %q, want %q", r.Newsletters[0].Error, want)
		}
	}
}

// TestPreview: a preview writes nothing, has the hash of what is sent, and
// changes with what shows.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(2)
	v := s.service()
	first, err := v.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if first.Recipients != 2 || first.Number != 1 || first.Hash == "" || first.Groups[0].Digest.Subject == "" {
		t.Errorf("got %+v", first)
	}
	if _, err := s.store.Track(t.Context(), "weekly", true); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the preview wrote something: %v", err)
	}
	s.subscribe(1)
	second, err := v.Preview(t.Context(), "weekly")
	if err != nil || second.Hash != first.Hash || second.Recipients != 3 {
		t.Errorf("another subscriber, another issue? %s, %d, %v", second.Hash, second.Recipients, err)
	}
	s.options.Site.PostalAddress = "2 Quay"
	if p, err := s.service().Preview(t.Context(), "weekly"); err != nil || p.Hash == first.Hash {
		t.Errorf("another postal address, the same hash (%v)", err)
	}
	s.options.Site.PostalAddress = "1 Quay"
	r, err := v.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly", Hash: jobs.ShortHash(first.Hash), NoRefresh: true})
	if err != nil || s.issue(r).Issue.Hash != first.Hash {
		t.Errorf("what was sent is not what was previewed: %+v, %v", r, err)
	}
	s.article()
	if _, err := v.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly", Hash: jobs.ShortHash(first.Hash)}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an old hash: %v, want a conflict", err)
	}
	if _, err := v.Preview(t.Context(), "monthly"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a newsletter that does not exist: %v", err)
	}
}

func TestBrokenTemplate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("daily", func(n *newsletter.Newsletter) { n.Templates = "plain" })
	s.article()
	s.subscribe(2)
	for _, c := range []struct{ text, want string }{
		{"<html>\n{{.Nonsense}}</html>", "templates/plain/digest.html:2"},
		{"<html>\n\n{{if}}</html>", "templates/plain/digest.html:3"},
	} {
		s.files["templates/plain/digest.html"] = &fstest.MapFile{Data: []byte(c.text)}
		if _, err := s.store.AddSubscriber(t.Context(), "daily", newsletter.Line{Email: "x" + s.unique() + "@example.org"}, "cli", s.clock.now()); err != nil {
			t.Fatal(err)
		}
		r := s.run(s.service())
		if got := r.Newsletters[1].Error; !strings.Contains(got, c.want) {
			t.Errorf("error %q, want %q", got, c.want)
		}
		if r.ExitCode() != 1 {
			t.Errorf("exit code %d, want 1", r.ExitCode())
		}
		if issues, err := s.store.Issues(t.Context(), store.IssueQuery{Newsletter: "daily"}); err != nil || len(issues) != 0 {
			t.Errorf("an issue with a broken template: %+v, %v", issues, err)
		}
	}
	if issues, err := s.store.Issues(t.Context(), store.IssueQuery{Newsletter: "weekly"}); err != nil || len(issues) != 1 || issues[0].State != newsletter.IssueSent {
		t.Errorf("the other newsletter suffered: %+v, %v", issues, err)
	}
}

// TestApproval: an issue waits, goes out as it was looked at, and is superseded
// by a later one.
func TestApproval(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.edit(func(n *newsletter.Newsletter) { n.Approval = true })
	v := s.service(withRelay(k.relay("main")))
	first := s.article()
	readers := s.subscribe(3)
	r := s.run(v)
	i := s.issue(r).Issue
	if !r.Newsletters[0].Awaiting || i.State != newsletter.IssueAwaiting || r.ExitCode() != 0 {
		t.Fatalf("it does not wait: %+v", r)
	}
	if again := s.issue(s.run(v)).Issue; again.ID != i.ID {
		t.Errorf("a second run made issue %d of the same content", again.Number)
	}
	if err := v.Approve(t.Context(), i.ID, "0123456789"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("approved by another hash: %v", err)
	}
	if err := v.Approve(t.Context(), i.ID, i.Hash[:3]); !errors.Is(err, store.ErrConflict) {
		t.Errorf("approved by three letters: %v", err)
	}
	// Whatever changes after composing, what was looked at goes out; those who
	// come later get it, too.
	s.article(func(a *newsletter.Article) { a.Key, a.Title = "a1.md", "Another title" })
	readers = append(readers, s.subscribe(1, speaking("fr"))...)
	if err := v.Approve(t.Context(), i.ID, jobs.ShortHash(i.Hash)); err != nil {
		t.Fatal(err)
	}
	f, err := v.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.counts(s.issue(f), newsletter.IssueSent, 4, 0, 0, 0)
	same(t, k.to(), readers)
	for _, m := range k.messages() {
		if !strings.Contains(m.Text, first) || strings.Contains(m.Text, "Another title") {
			t.Errorf("not what was approved:\n%s", m.Text)
		}
	}

	s.article()
	second := s.issue(s.run(v)).Issue
	s.clock.add(24 * time.Hour)
	s.article()
	third := s.issue(s.run(v)).Issue
	if got, err := s.store.Issue(t.Context(), second.ID); err != nil || got.State != newsletter.IssueCancelled || !strings.Contains(got.Reason, fmt.Sprint(third.Number)) {
		t.Errorf("the older issue is %s (%s), %v", got.State, got.Reason, err)
	}
	if third.Number != 3 || third.State != newsletter.IssueAwaiting {
		t.Errorf("the newer issue: %+v", third)
	}
}

// TestExample: where nothing is new, the latest articles are shown; where there is
// none at all, made-up ones. Broken templates are found in either case.
func TestExample(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.subscribe(2)
	s.edit(func(n *newsletter.Newsletter) { n.Select.Tags, n.Min = []string{"tides"}, 2 })
	v := s.service()
	shown := func() jobs.Preview {
		t.Helper()
		p, err := v.PreviewOrExample(t.Context(), "weekly")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := shown(); p.Example != "made-up articles" || !strings.Contains(p.Groups[0].Digest.HTML, "An example with a picture") {
		t.Errorf("of an empty store: %+v", p)
	}
	s.article()
	title := s.article(tagged("tides"))
	if p := shown(); p.Example != "the latest articles" || p.Hash != "" || len(p.Groups[0].Articles) != 1 || p.Groups[0].Articles[0].Title != title {
		t.Errorf("with too few articles: %+v", p)
	}
	s.article(tagged("tides"))
	if p := shown(); p.Example != "" || p.Nothing != "" || p.Recipients != 2 {
		t.Errorf("with enough articles: %+v", p)
	}
	s.run(v)
	p := shown()
	if p.Example != "the latest articles" || p.Nothing == "" || len(p.Groups[0].Articles) != 2 || p.Recipients != 0 {
		t.Errorf("after everything was sent: %+v", p)
	}
	if _, err := v.Message(p, "editor@example.org"); err != nil {
		t.Error(err)
	}
	s.files["templates/email/digest.html"] = &fstest.MapFile{Data: []byte("{{range .Articles}}{{.Titel}}{{end}}")}
	if _, err := v.PreviewOrExample(t.Context(), "weekly"); err == nil || !strings.Contains(err.Error(), "digest.html:1:") {
		t.Errorf("a broken template: %v", err)
	}
}
