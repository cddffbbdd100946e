package main

import (
	"context"

	"github.com/spf13/cobra"
)

// pingCommand tells hubs of others what changed.
func pingCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ping",
		Short: "Tell the hubs of others which feeds changed",
		Long: `Ping tells the hubs in feeds.hubs, but for the site's own, of every feed that changed since
they were told last. Serve does so by itself. Where public/ goes to a static host, this is for
when the files are there: a hub comes and looks at once.`,
		Example: `    syndicate build && rsync -a public/ www.example.org:/srv/www/ && syndicate ping`,
		Args:    arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			if err := s.service.PingHubs(ctx); err != nil {
				return err
			}
			v, err := s.hubStatus(ctx)
			if err != nil {
				return err
			}
			if v == nil {
				v = &hubStatus{Others: []otherHubState{}}
			}
			v.Own, v.Callbacks = false, nil // those are serve's
			if s.json {
				if err := s.printJSON(v.Others); err != nil {
					return err
				}
			} else {
				s.tellPings(v)
			}
			for _, h := range v.Others {
				if h.Behind > 0 {
					return exit(exitFailed)
				}
			}
			return nil
		}),
	}
}

func (s *site) tellPings(v *hubStatus) {
	if len(v.Others) == 0 {
		s.printf("There is no hub to tell: feeds.hubs names none of others.\n")
		return
	}
	var l lines
	s.tellHub(&l, v)
	s.tellLines(l)
	s.warnHub(v)
}
