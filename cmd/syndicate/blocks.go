package main

import (
	"cmp"
	"context"

	"syndicate/internal/jobs"
)

// blocks returns what receivers refused within a day because of the sender, by the issues'
// names.
func (s *site) blocks(ctx context.Context) (jobs.BlockState, error) {
	b, err := s.service.BlockState(ctx)
	for i := range b.Most {
		b.Most[i].Name = s.issueName(ctx, b.Most[i].Issue)
	}
	return b, err
}

func tellBlocks(l *lines, b jobs.BlockState) {
	if b.Count == 0 {
		return
	}
	l.add("blocked", "%s within a day, because of the sender (syndicate bounces list --kind block)", count(b.Count, "mail"))
	for _, x := range b.Most {
		l.add("", "%s", join(" · ", number(x.Count), x.Name, cmp.Or(x.Reporter, "nobody says who reports it"), string(x.Reason)))
	}
}
