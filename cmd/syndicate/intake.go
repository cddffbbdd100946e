package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/intake"
)

// intake is the server for mail that comes back, which does not listen yet; nil: the
// configuration has none.
func (s *site) intake() (*intake.Server, error) {
	b := s.cfg.Bounces
	if b.Listen == "" {
		return nil, nil //nolint:nilnil // most sites have none
	}
	o := intake.Options{
		Name: domainOf(s.ownMailbox()), Connections: b.Connections,
		Ours: s.service.OwnMailbox,
		Take: func(ctx context.Context, message io.Reader, to string) error {
			_, err := s.service.TakeMessage(ctx, message, to)
			return err
		},
		Log: s.log,
	}
	if b.CertificateFile != "" {
		certificate, err := intake.ReadCertificate(s.cfg.Path(b.CertificateFile), s.cfg.Path(b.KeyFile), s.log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.cfg.Where("bounces.certificate_file"), err)
		}
		o.Certificate = certificate
	}
	return intake.New(o), nil
}

// listenForMail opens the port of that server; nil: there is none.
func (s *site) listenForMail(ctx context.Context, mail *intake.Server) (net.Listener, error) {
	if mail == nil {
		return nil, nil //nolint:nilnil // as above
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Bounces.Listen)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.cfg.Where("bounces.listen"), err)
		switch {
		case errors.Is(err, os.ErrPermission):
			err = hinted(err, lowPorts)
		case errors.Is(err, syscall.EADDRINUSE):
			err = hinted(err, "something listens there already; bounces.listen in config.yaml takes another port")
		}
		return nil, err
	}
	return l, nil
}

const lowPorts = "ports below 1024 need the right to: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or a mail server in front (docs/bounces.md)"

// takeMail answers on that port until ctx ends, and until what was taken is stored.
func (s *site) takeMail(ctx context.Context, work *errgroup.Group, mail *intake.Server, box net.Listener) {
	if box != nil {
		work.Go(func() error { return mail.Serve(ctx, box, s.cfg.Delivery.Grace) })
	}
}

// tellMail says where mail is taken, if it is.
func (s *site) tellMail(box net.Listener) {
	if box != nil {
		s.printf("Mail that comes back is taken on %s\n", box.Addr())
	}
}

// domainOf is the part of an address after its @.
func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
