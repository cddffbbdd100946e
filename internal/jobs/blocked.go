package jobs

import (
	"context"
	"maps"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// alarms are the blocks that were told of within the hour.
type alarms struct {
	mu   sync.Mutex
	told map[alarm]time.Time
}

// alarm is what blocks have in common that are told of once.
type alarm struct {
	issue    int64 // 0: not known
	reporter string
}

// maxAlarms bounds what one hour tells: who reports is a word of whoever does.
const maxAlarms = 1000

// due reports whether one is to be told of, and takes it that it is.
func (a *alarms) due(x alarm, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.told, func(_ alarm, at time.Time) bool { return now.Sub(at).Abs() >= time.Hour })
	if _, told := a.told[x]; told || len(a.told) >= maxAlarms {
		return false
	}
	if a.told == nil {
		a.told = map[alarm]time.Time{}
	}
	a.told[x] = now
	return true
}

// blocked tells the operator of a report that says: it is the sender. Nobody else can do
// anything about it. Each issue and each system that reports is told of once an hour; of
// what is about nobody, which strangers can send, nothing is.
func (s *Service) blocked(ctx context.Context, b store.Bounced, outcome store.BounceOutcome) error {
	if b.Kind != newsletter.ReportBlock || outcome != store.BounceNoted {
		return nil
	}
	i, err := s.store.ReportedIssue(ctx, b.Said)
	if err != nil || !s.alarms.due(alarm{i.ID, b.Reporter}, s.now()) {
		return err
	}
	s.log.Warn("a receiver blocks mail of this site", "newsletter", i.Newsletter, "issue", i.Number, "reporter", b.Reporter,
		"reason", string(b.Reason), "status", b.Status, "code", b.Code)
	return nil
}

// BlockState is what receivers refused within a day because of the sender.
type BlockState struct {
	Count int       `json:"count"`
	Most  []Blocked `json:"most"` // the largest groups, at most three
}

// Blocked is what one system says of one issue, for one reason.
type Blocked struct {
	Issue    int64             `json:"-"` // 0: not known
	Name     string            `json:"issue,omitempty"`
	Reporter string            `json:"reporter,omitempty"`
	Reason   newsletter.Reason `json:"reason,omitempty"`
	Count    int               `json:"count"`
}

// BlockState returns what was blocked within a day.
func (s *Service) BlockState(ctx context.Context) (BlockState, error) {
	n, groups, err := s.store.Blocks(ctx, s.now().Add(-24*time.Hour), 3)
	b := BlockState{Count: n, Most: []Blocked{}}
	for _, g := range groups {
		b.Most = append(b.Most, Blocked{Issue: g.Issue, Reporter: g.Reporter, Reason: g.Reason, Count: g.Count})
	}
	return b, err
}
