package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// DryRun is what sending would do.
type DryRun struct {
	Preview  Preview
	Domains  []DomainCount // most recipients first
	Messages [][]byte      // one for each group of the preview: its message to a made-up recipient, as .eml
	Speeds   []Speed       // how long it would take, from what is known; none: nothing is
}

// Speed is a rate at which an issue would go, and how long it would take.
type Speed struct {
	Rate float64       // messages a second; 0: it is not that simple
	By   string        // what says so, for people
	Most bool          // it is a limit: it can take longer
	Took time.Duration // with quiet hours and the wait for a canary
}

// DomainCount counts recipients at one receiver.
type DomainCount struct {
	Domain string `json:"domain"` // see newsletter.DomainGroup
	Count  int    `json:"count"`
}

// DryRun says what Send would do with what is in the store; it changes nothing.
func (s *Service) DryRun(ctx context.Context, name string) (DryRun, error) {
	p, err := s.Preview(ctx, name)
	d := DryRun{Preview: p}
	if err != nil || len(p.Groups) == 0 {
		return d, err
	}
	if d.Domains, err = s.domains(ctx, p); err != nil {
		return d, err
	}
	if d.Messages, err = s.messages(ctx, &d.Preview); err != nil {
		return d, err
	}
	d.Speeds, err = s.speeds(ctx, p, d.Domains)
	return d, err
}

// domains counts the recipients of a preview by receiver.
func (s *Service) domains(ctx context.Context, p Preview) ([]DomainCount, error) {
	served := map[newsletter.Group]bool{}
	for _, l := range p.frozen.Lists {
		served[l.Group] = len(l.Articles) > 0
	}
	groups, err := s.store.GroupDomains(ctx, p.Newsletter.Name, p.Rehearsal, p.turn, s.now())
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, g := range groups {
		if served[g.Group] {
			count[g.Domain] += g.Count
		}
	}
	var out []DomainCount
	for domain, n := range count {
		out = append(out, DomainCount{domain, n})
	}
	slices.SortFunc(out, func(a, b DomainCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Domain, b.Domain)
	})
	return out, nil
}

// messages renders every digest of a preview.
func (s *Service) messages(ctx context.Context, p *Preview) ([][]byte, error) {
	r, err := newRenderer(p.frozen, p.articles, p.Number)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(p.Groups))
	for i := range p.Groups {
		g := &p.Groups[i]
		if i > 0 { // the first is rendered already
			if g.Digest, err = r.render(ctx, g.Language, seqs(g.Articles), g.More); err != nil {
				return nil, err
			}
		}
		l, personal, err := s.copyOf(*p, i, "subscriber@example.org")
		if err != nil {
			return nil, err
		}
		out[i] = l.template.Append(nil, personal)
	}
	return out, nil
}

// speeds says how fast an issue would go: what limits it, and what was measured.
func (s *Service) speeds(ctx context.Context, p Preview, domains []DomainCount) ([]Speed, error) {
	n := p.Newsletter
	wait := time.Duration(0)
	if s.canaryShare(p) > 0 {
		wait = n.Canary.Wait
	}
	quiet, maxRate := n.Quiet, n.MaxRate
	if p.Rehearsal {
		quiet, maxRate = newsletter.Quiet{}, 0
	}
	now := s.now()
	took := func(x atLeast) time.Duration {
		if !x.days {
			x.took += wait
		}
		return x.end(now, now, quiet, n.Location).Sub(now)
	}
	groups := map[string]int{}
	for _, d := range domains {
		groups[d.Domain] = d.Count
	}
	limits, err := s.forecast(ctx, p.Recipients, groups, maxRate)
	if err != nil {
		return nil, err
	}
	var out []Speed
	for _, x := range limits {
		out = append(out, Speed{Rate: x.rate, By: x.by, Most: true, Took: took(x)})
	}
	past, err := s.store.PastRate(ctx, p.Rehearsal)
	if err != nil || past.Rate <= 0 {
		return out, err
	}
	measured := atLeast{took: sending(p.Recipients, past.Rate)}
	return append(out, Speed{Rate: past.Rate, By: fmt.Sprintf("%s/%d, as measured", past.Newsletter, past.Number), Took: took(measured)}), nil
}
