package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Preview composes the next issue of a newsletter without writing anything. What
// it shows is what Send would freeze, under the same hash, until something that
// shows in the issue changes.
func (s *Service) Preview(ctx context.Context, name string) (Preview, error) {
	n, err := s.Newsletter(name)
	if err != nil {
		return Preview{}, err
	}
	return s.compose(ctx, n, nil)
}

// compose selects what is new to each group of a newsletter's subscribers and
// freezes it in memory, for an occurrence or as an issue by hand (o nil). Only where
// there is nothing to be seen it has no groups.
func (s *Service) compose(ctx context.Context, n newsletter.Newsletter, o *newsletter.Occurrence) (Preview, error) {
	now := s.now()
	p := Preview{Newsletter: n, Rehearsal: s.Rehearsal()}
	var err error
	if p.turn, err = s.turn(ctx, n, o); err != nil {
		return p, err
	}
	track, err := s.store.Track(ctx, n.Name, p.Rehearsal)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	p.Number = track.LastNumber + 1
	if p.Horizon, err = s.store.HighestSeq(ctx); err != nil {
		return p, err
	}
	groups, err := s.store.Groups(ctx, n.Name, p.Rehearsal, p.turn, now)
	if err != nil {
		return p, err
	}
	nobody := len(groups) == 0
	if nobody { // show what would go out all the same
		groups = []store.GroupCount{{Group: newsletter.Group{Cursor: track.Horizon}}}
	}
	slices.SortFunc(groups, func(a, b store.GroupCount) int { return compareGroups(a.Group, b.Group) })
	sel, err := newSelector(ctx, s.store, n.Select, n.Max, groups[0].Cursor, p.Horizon)
	if err != nil {
		return p, err
	}
	chosen := make([]selection, len(groups))
	most := 0
	for i, g := range groups {
		if chosen[i], err = sel.choose(ctx, g.Group); err != nil {
			return p, err
		}
		most = max(most, chosen[i].total())
	}
	if p.Nothing = nothingNew(most, n.Min); p.Nothing != "" {
		return p, nil
	}
	if err := s.freeze(ctx, &p, groups, chosen, now); err != nil {
		return p, err
	}
	if nobody {
		if p.Nothing, err = s.whyNobody(ctx, p, now); err != nil {
			return p, err
		}
	}
	return p, s.lead(ctx, &p)
}

// whyNobody says why an issue has no audience.
func (s *Service) whyNobody(ctx context.Context, p Preview, now time.Time) (string, error) {
	others, err := s.store.Groups(ctx, p.Newsletter.Name, p.Rehearsal, newsletter.Turn{Day: newsletter.Always}, now)
	if len(others) > 0 {
		return "its subscribers want it on other days", err
	}
	return "nobody subscribes", err
}

// nothingNew says why most new articles are not enough for an issue; empty: they
// are.
func nothingNew(most, least int) string {
	switch {
	case most == 0:
		return "no new article"
	case most < least:
		return fmt.Sprintf("%d new %s, fewer than min (%d)", most, newsletter.Plural(most, "article"), least)
	}
	return ""
}

// freeze fills in what an issue is made of, and its hash. A group with fewer than
// the newsletter's min is passed over: its articles wait until there are enough.
func (s *Service) freeze(ctx context.Context, p *Preview, groups []store.GroupCount, chosen []selection, now time.Time) error {
	if err := s.freezeSettings(ctx, p, now); err != nil {
		return err
	}
	taken := map[int64]bool{}
	byDigest := map[string]int{}
	for i, g := range groups {
		list := newsletter.FrozenList{Group: g.Group}
		if chosen[i].total() >= max(p.Newsletter.Min, 1) {
			list.Articles, list.More = seqs(chosen[i].articles), chosen[i].more
			if err := s.freezeArticles(ctx, p, chosen[i].articles, taken); err != nil {
				return err
			}
			p.add(byDigest, list, g.Count)
		}
		p.frozen.Lists = append(p.frozen.Lists, list)
	}
	var err error
	p.Hash, err = contentHash(p.frozen, p.articles)
	return err
}

// freezeSettings fills in what an issue is made of besides articles.
func (s *Service) freezeSettings(ctx context.Context, p *Preview, now time.Time) error {
	n := p.Newsletter
	bundle, err := s.templates(n)
	if err != nil {
		return err
	}
	intro, used, err := s.intro(ctx, n)
	if err != nil {
		return err
	}
	site := s.o.Site
	site.Location = nil
	p.frozen = newsletter.Frozen{
		Site:       site,
		Newsletter: frozenNewsletter(n),
		Templates:  bundle,
		Intro:      intro,
		IntroUsed:  used,
		Date:       midnight(now, n.Location),
		Minutes:    map[int64]int{},
	}
	return nil
}

// add counts the subscribers of a list with those of the same digest.
func (p *Preview) add(byDigest map[string]int, list newsletter.FrozenList, count int) {
	p.Recipients += count
	language := languageOf(list.Group, p.Newsletter.Language)
	key := fmt.Sprint(language, list.Articles, list.More)
	i, ok := byDigest[key]
	if !ok {
		i = len(p.Groups)
		byDigest[key] = i
		group := PreviewGroup{Language: language, Topics: newsletter.SplitTopics(list.Group.Topics), More: list.More}
		for _, seq := range list.Articles {
			at := slices.IndexFunc(p.articles, func(a newsletter.Article) bool { return a.Seq == seq })
			group.Articles = append(group.Articles, p.articles[at])
		}
		p.Groups = append(p.Groups, group)
	}
	p.Groups[i].Count += count
}

// freezeArticles adds the articles that are not taken yet as they are now, with
// absolute images, without their bodies but with the time it takes to read them.
func (s *Service) freezeArticles(ctx context.Context, p *Preview, articles []newsletter.Article, taken map[int64]bool) error {
	for i := range articles {
		if taken[articles[i].Seq] {
			continue
		}
		a, minutes, err := s.freezeArticle(ctx, articles[i].ID)
		if err != nil {
			return err
		}
		taken[a.Seq] = true
		p.articles = append(p.articles, a)
		p.frozen.Minutes[a.Seq] = minutes
	}
	return nil
}

func (s *Service) freezeArticle(ctx context.Context, id string) (newsletter.Article, int, error) {
	a, err := s.store.Article(ctx, id)
	if err != nil {
		return a, 0, err
	}
	minutes := a.ReadingMinutes()
	if a.Image != nil {
		image := *a.Image
		image.URL = s.ImageURL(ctx, &a)
		a.Image = &image
	}
	a.Body = ""
	a.Published = a.Published.In(s.o.Site.Location) // its day is the one its author wrote down
	return a, minutes, nil
}

// lead renders the digest that most subscribers get. It finds broken templates
// and gives the issue its subject.
func (s *Service) lead(ctx context.Context, p *Preview) error {
	slices.SortStableFunc(p.Groups, func(a, b PreviewGroup) int { return b.Count - a.Count })
	r, err := newRenderer(p.frozen, p.articles, p.Number)
	if err != nil {
		return err
	}
	first := &p.Groups[0]
	first.Digest, err = r.render(ctx, first.Language, seqs(first.Articles), first.More)
	return err
}

// contentHash names everything that shows in an issue.
func contentHash(f newsletter.Frozen, articles []newsletter.Article) (string, error) {
	data, err := json.Marshal([]any{f, articles}) // maps are written in order of their keys
	if err != nil {
		return "", fmt.Errorf("hashing the issue: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// create writes a composed issue down. store.ErrConflict: another node took the
// occurrence.
func (s *Service) create(ctx context.Context, p Preview, o *newsletter.Occurrence) (newsletter.Issue, error) {
	issue, err := s.store.CreateIssue(ctx, store.NewIssue{
		Newsletter: p.Newsletter.Name, Rehearsal: p.Rehearsal, Horizon: p.Horizon, Hash: p.Hash,
		Subject: p.Groups[0].Digest.Subject, Frozen: p.frozen, Articles: p.articles,
		Occurrence: o, Approval: p.Newsletter.Approval, Canary: s.canaryShare(p), Turn: p.turn,
	}, s.now())
	if err == nil {
		s.log.Info("issue composed", "newsletter", issue.Newsletter, "issue", issue.Number, "rehearsal", issue.Rehearsal,
			"hash", ShortHash(issue.Hash), "articles", len(p.articles), "recipients", p.Recipients, "state", issue.State)
	}
	return issue, err
}

// canaryShare is how much of an issue goes first. A rehearsal has no canary.
func (s *Service) canaryShare(p Preview) float64 {
	if p.Rehearsal {
		return 0
	}
	return p.Newsletter.Canary.Of(p.Recipients)
}

func frozenNewsletter(n newsletter.Newsletter) newsletter.FrozenNewsletter {
	return newsletter.FrozenNewsletter{
		Name: n.Name, Title: n.Title, Description: n.Description,
		FromName: n.From.Name, FromAddress: n.From.Address, ReplyTo: n.ReplyTo,
		Language: n.Language, Subject: n.Subject, Select: n.Select, Min: n.Min, Max: n.Max,
		TimeZone: n.Location.String(), Archive: n.Archive, Counts: n.Counts,
	}
}

// templates reads the mail templates of a newsletter as they are now.
func (s *Service) templates(n newsletter.Newsletter) (digest.Bundle, error) {
	return digest.ReadBundle(s.templatesFS(), s.o.Builtin, n.Templates)
}

func languageOf(g newsletter.Group, fallback string) string {
	if g.Language != "" {
		return g.Language
	}
	return fallback
}

func midnight(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc).UTC()
}
