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
	Rate float64       // messages a second
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
	d.Speeds, err = s.speeds(ctx, p)
	return d, err
}

// domains counts the recipients of a preview by receiver.
func (s *Service) domains(ctx context.Context, p Preview) ([]DomainCount, error) {
	served := map[newsletter.Group]bool{}
	for _, l := range p.frozen.Lists {
		served[l.Group] = len(l.Articles) > 0
	}
	groups, err := s.store.GroupDomains(ctx, p.Newsletter.Name, p.Rehearsal, s.now())
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
	r, err := newRenderer(p.frozen, p.articles, p.Number, s.issueURL(p.Newsletter.Name, p.Number))
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
func (s *Service) speeds(ctx context.Context, p Preview) ([]Speed, error) {
	n := p.Newsletter
	var out []Speed
	add := func(rate float64, most bool, by string) {
		if rate <= 0 {
			return
		}
		wait := time.Duration(0)
		if s.canaryShare(p) > 0 {
			wait = n.Canary.Wait
		}
		quiet := n.Quiet
		if p.Rehearsal {
			quiet = newsletter.Quiet{}
		}
		now := s.now()
		end := quiet.After(now, wait+time.Duration(float64(p.Recipients)/rate*float64(time.Second)), n.Location)
		out = append(out, Speed{Rate: rate, By: by, Most: most, Took: end.Sub(now)})
	}
	limited := 0.0
	for _, r := range s.o.Relays {
		if r.Rate <= 0 {
			limited = 0
			break
		}
		limited += r.Rate
	}
	add(limited, true, "the rates of the relays")
	if !p.Rehearsal {
		add(n.MaxRate, true, "max_rate")
	}
	past, err := s.store.PastRate(ctx, p.Rehearsal)
	if err != nil {
		return nil, err
	}
	add(past.Rate, false, fmt.Sprintf("%s/%d, as measured", past.Newsletter, past.Number))
	return out, nil
}
