package jobs

import (
	"context"
	"errors"
	"fmt"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// maxStale is how often in a row sealing begins a batch again because the
// audience changed under it.
const maxStale = 50

// sealer writes down who gets what of one issue. What it knows is only a memory
// of what is stored: another sealer may go on at any point.
type sealer struct {
	s        *Service
	issue    newsletter.Issue
	frozen   newsletter.Frozen
	renderer *renderer
	late     *selector // for groups that were not known at composing; made when needed
	lists    map[newsletter.Group]newsletter.FrozenList
	digestOf map[newsletter.Group]int // 0: the group gets nothing
	digests  map[string]int           // by language, articles and number left out
}

// seal completes the audience of an issue in state sealing and returns the issue
// as it is then. Digests are rendered between transactions; each batch of
// subscribers is one transaction with a watermark, so that a crash resumes where
// it was and writers never wait long. An issue that was paused or cancelled
// meanwhile is left as it is; one whose digests cannot be rendered is paused.
func (s *Service) seal(ctx context.Context, id int64) (newsletter.Issue, error) {
	x := &sealer{s: s, lists: map[newsletter.Group]newsletter.FrozenList{}, digestOf: map[newsletter.Group]int{}, digests: map[string]int{}}
	var err error
	if x.issue, err = s.store.Issue(ctx, id); err != nil || x.issue.State != newsletter.IssueSealing {
		return x.issue, err
	}
	if err := s.findReceivers(ctx, x.issue.Newsletter); err != nil && ctx.Err() == nil {
		s.log.Warn("receivers not looked up", "newsletter", x.issue.Newsletter, "error", err)
	}
	if err = x.prepare(ctx); err == nil {
		err = x.run(ctx)
	}
	var content *contentError
	if errors.As(err, &content) { // again and again it would be the same
		perr := s.store.Pause(ctx, id, newsletter.ByContent, content.Error())
		err = errors.Join(err, perr)
	}
	if err != nil {
		return x.issue, fmt.Errorf("sealing issue %d of %s: %w", x.issue.Number, x.issue.Newsletter, err)
	}
	x.issue, err = s.store.Issue(ctx, id)
	if err == nil && x.issue.Sealed {
		s.log.Info("issue sealed", "newsletter", x.issue.Newsletter, "issue", x.issue.Number, "recipients", x.issue.Recipients, "digests", len(x.digests))
		s.Wake()
	}
	return x.issue, err
}

func (x *sealer) prepare(ctx context.Context) error {
	var articles []newsletter.Article
	var err error
	if x.frozen, articles, err = x.s.store.FrozenIssue(ctx, x.issue.ID); err != nil {
		return err
	}
	for _, l := range x.frozen.Lists {
		x.lists[l.Group] = l
	}
	x.renderer, err = newRenderer(x.frozen, articles, x.issue.Number)
	if err != nil {
		return &contentError{err}
	}
	x.renderer.count(x.s, x.issue.ID)
	return nil
}

func (x *sealer) run(ctx context.Context) error {
	for stale := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		groups, through, err := x.s.store.NextGroups(ctx, x.issue, x.issue.Watermark, x.s.o.Delivery.SealBatch, x.s.now())
		if err != nil {
			return err
		}
		if len(groups) == 0 {
			err = x.s.store.FinishSeal(ctx, x.issue.ID, x.s.now())
			if errors.Is(err, store.ErrConflict) { // paused or cancelled
				return nil
			}
			return err
		}
		for _, g := range groups {
			if err := x.serve(ctx, g.Group); err != nil {
				return x.stopped(ctx, err)
			}
		}
		n, err := x.s.store.SealBatch(ctx, x.issue.ID, x.issue.Watermark, through, x.digestOf, x.s.o.Delivery.Chunk, x.s.now())
		if errors.Is(err, store.ErrStale) && stale < maxStale {
			before := x.issue.Watermark
			if x.issue, err = x.s.store.Issue(ctx, x.issue.ID); err != nil {
				return err
			}
			if x.issue.State != newsletter.IssueSealing {
				return nil
			}
			if stale++; x.issue.Watermark != before {
				stale = 0
			}
			continue
		}
		if err != nil {
			return err
		}
		stale = 0
		x.issue.Watermark = through
		x.issue.Recipients += n
		x.s.tell(Progress{Step: "seal", Name: issueName(x.issue), Done: x.issue.Recipients})
	}
}

// stopped turns a refusal because the issue is not sealing any more into no
// error.
func (x *sealer) stopped(ctx context.Context, cause error) error {
	if !errors.Is(cause, store.ErrConflict) {
		return cause
	}
	issue, err := x.s.store.Issue(ctx, x.issue.ID)
	if err != nil || issue.State == newsletter.IssueSealing {
		return cause
	}
	return nil
}

// serve sees to it that a group has its digest.
func (x *sealer) serve(ctx context.Context, g newsletter.Group) error {
	if _, ok := x.digestOf[g]; ok {
		return nil
	}
	list, ok := x.lists[g]
	if !ok {
		var err error
		if list, err = x.lateList(ctx, g); err != nil {
			return err
		}
	}
	if len(list.Articles) == 0 {
		x.digestOf[g] = 0
		return nil
	}
	language := languageOf(g, x.frozen.Newsletter.Language)
	key := fmt.Sprint(language, list.Articles, list.More)
	n, ok := x.digests[key]
	if !ok {
		d, err := x.renderer.render(ctx, language, list.Articles, list.More)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			return &contentError{err}
		}
		d.Issue = x.issue.ID
		if n, err = x.s.store.PutDigest(ctx, d); err != nil {
			return err
		}
		x.digests[key] = n
	}
	x.digestOf[g] = n
	return nil
}

// lateList chooses the articles of a group that appeared after composing, up to
// the same horizon, and freezes those the issue does not have yet.
func (x *sealer) lateList(ctx context.Context, g newsletter.Group) (newsletter.FrozenList, error) {
	list := newsletter.FrozenList{Group: g}
	if x.late == nil {
		var err error
		if x.late, err = newSelector(ctx, x.s.store, x.frozen.Newsletter.Select, x.frozen.Newsletter.Max, 0, x.issue.Horizon); err != nil {
			return list, err
		}
	}
	chosen, err := x.late.choose(ctx, g)
	if err != nil || chosen.total() < max(x.frozen.Newsletter.Min, 1) {
		return list, err
	}
	var articles []newsletter.Article
	for i := range chosen.articles {
		a := chosen.articles[i]
		if _, ok := x.renderer.articles[a.Seq]; ok {
			continue
		}
		if a, _, err = x.s.freezeArticle(ctx, a.ID); err != nil {
			return list, err
		}
		articles = append(articles, a)
	}
	if len(articles) > 0 {
		if err := x.s.store.AddIssueArticles(ctx, x.issue.ID, articles); err != nil {
			return list, err
		}
		x.renderer.add(articles)
	}
	list.Articles, list.More = seqs(chosen.articles), chosen.more
	return list, nil
}

// issueName is what progress and messages call an issue.
func issueName(i newsletter.Issue) string { return fmt.Sprintf("%s %d", i.Newsletter, i.Number) }
