package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"syndicate/internal/intake"
	"syndicate/internal/web"
)

// serveCommand is the daemon.
func serveCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Stay: schedule, delivery, and the site on the web",
		Long: `Serve takes articles in when their files change, sends issues when they are due, and
answers on web.listen: pages, feeds, and the links in mail. It logs to standard error.

With a relay, web.url must be https. Mail is held back until that address answers as this
site: the links in it would lead nowhere.

It stops in good order on SIGTERM or Ctrl-C: open requests and messages in flight are
finished. A second one ends it at once; what was under way is taken up next time.`,
		Example: `    syndicate -C /srv/letter serve`,
		Args:    arguments(0, 0),
		RunE:    a.staying(func(ctx context.Context, s *site) error { return s.serve(ctx) }),
	}
	a.offlineLinks(c)
	return c
}

func (s *site) serve(ctx context.Context) error {
	mail, err := s.intake()
	if err != nil {
		return err
	}
	handler, err := s.handler(ctx, mail)
	if err != nil {
		return err
	}
	// The service takes this lock for itself; a second daemon shall hear of it before
	// it hears that its port is taken.
	release, err := s.store.LockDaemon()
	if err != nil {
		return err
	}
	release()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Web.Listen)
	if err != nil {
		return fmt.Errorf("%s: %w", s.cfg.Where("web.listen"), err)
	}
	box, err := s.listenForMail(ctx, mail)
	if err != nil {
		listener.Close()
		return err
	}
	t := s.cfg.Web.Timeouts
	server := web.NewServer(handler, web.Timeouts{Read: t.Read, Write: t.Write, Idle: t.Idle}, s.log)
	s.tellServing(listener.Addr(), box)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		if err := server.Serve(web.LazyDeadlines(listener)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("answering on %s: %w", s.cfg.Web.Listen, err)
		}
		return nil
	})
	work.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Delivery.Grace)
		defer cancel()
		err := s.endAnswers(grace, server)
		s.service.EndCounts(grace) // after the last answer
		return err
	})
	s.takeMail(ctx, work, mail, box)
	work.Go(func() error {
		err := s.service.Serve(ctx)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		if err == nil && ctx.Err() == nil {
			err = errors.New("the service ended by itself")
		}
		return err
	})
	return work.Wait()
}

// endAnswers lets the server finish what it answers. A tenth of the grace period is left
// for what follows.
func (s *site) endAnswers(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Delivery.Grace-s.cfg.Delivery.Grace/10)
	defer cancel()
	if server.Shutdown(ctx) != nil { // somebody reads very slowly
		return server.Close()
	}
	return nil
}

// handler is the site on the web. mail is the server for mail that comes back; nil: none.
func (s *site) handler(ctx context.Context, mail *intake.Server) (http.Handler, error) {
	templates, err := fs.Sub(s.options.SiteFS, "templates")
	if err != nil {
		return nil, err
	}
	return web.New(ctx, web.Options{
		Store: s.store, Service: s.service, Site: s.options.Site, Newsletters: s.options.Newsletters,
		FeedsDir: s.options.Feeds.Dir, Templates: templates, Builtin: s.options.Builtin,
		WebURL: s.cfg.Web.URL, Version: readBuild().Version,
		Hooks: hooks(s.cfg), Mail: mail, TrustedProxies: s.cfg.Web.TrustedProxies, Log: s.log, Now: s.now,
	})
}

// tellServing says where the site is, before the first request can fail, and where it
// takes mail; box may be nil.
func (s *site) tellServing(addr net.Addr, box net.Listener) {
	said := map[string]string{"listening": addr.String(), "url": s.cfg.Web.URL}
	if box != nil {
		said["mail"] = box.Addr().String()
	}
	if s.cfg.Log.Format == "json" { // then everything it says is to be read by programs
		log := s.log
		if box != nil {
			log = log.With("mail", said["mail"])
		}
		log.Info("listening", "address", addr.String(), "url", s.cfg.Web.URL, "rehearsal", s.service.Rehearsal())
		return
	}
	if s.json {
		if s.printJSON(said) != nil {
			s.log.Warn("nobody reads standard output")
		}
		return
	}
	s.printf("%s: listening on http://%s/, known as %s/\n", plain(s.cfg.Site.Title), addr, s.cfg.Web.URL)
	s.tellMail(box)
	if s.service.Rehearsal() {
		s.printf("No relay is configured: mail goes to %s/\n", shown(s.options.OutboxDir))
	}
}
