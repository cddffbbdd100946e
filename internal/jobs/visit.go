package jobs

import (
	"context"
	"time"
)

// planVisit looks when a source elsewhere is to be asked next.
func (c *conductor) planVisit(ctx context.Context) (err error) {
	names := make([]string, len(c.o.Sources))
	for i, src := range c.o.Sources {
		names[i] = src.Name()
	}
	c.visit, err = c.store.NextVisit(ctx, names)
	return err
}

// visitDue reports whether a visit is due that no listing was asked for yet.
func (c *conductor) visitDue(now time.Time) bool {
	return !c.visit.IsZero() && !c.visit.After(now) && c.visit.After(c.listed)
}
