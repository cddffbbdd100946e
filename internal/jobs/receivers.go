package jobs

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Bounds on asking the DNS who receives a domain's mail. What is not known in
// time is asked for the next issue.
const (
	lookupLeast = 5   // subscribers that a domain needs to be looked up
	lookupMost  = 500 // domains an issue
	lookupAtOne = 20  // at a time
	lookupKeep  = 7 * 24 * time.Hour
	lookupAgain = time.Hour // after the DNS did not answer
)

// LookupMX asks the DNS for the servers that take a domain's mail, as
// net.Resolver.LookupMX does.
type LookupMX func(ctx context.Context, domain string) ([]*net.MX, error)

// findReceivers looks up the receivers of the larger domains that subscribe to a
// newsletter, so that all that one receiver hosts is paced together. It is a
// help, not a duty: what fails leaves the domain a group of its own.
func (s *Service) findReceivers(ctx context.Context, name string) error {
	if s.o.LookupMX == nil {
		return s.store.ForgetReceivers(ctx)
	}
	if s.Rehearsal() {
		return nil
	}
	domains, err := s.store.UnknownDomains(ctx, name, lookupLeast, lookupMost)
	if err != nil || len(domains) == 0 {
		return err
	}
	found, failed := map[string]string{}, map[string]string{}
	limited, cancel := context.WithTimeout(ctx, s.o.LookupTime)
	defer cancel()
	groups := make([]string, len(domains))
	var g errgroup.Group
	g.SetLimit(lookupAtOne)
	for i, domain := range domains {
		g.Go(func() error {
			groups[i] = s.receiverOf(limited, domain)
			return nil
		})
	}
	_ = g.Wait() // no lookup returns an error
	for i, domain := range domains {
		if groups[i] == "" {
			failed[domain] = ""
		} else {
			found[domain] = groups[i]
		}
	}
	s.log.Debug("receivers looked up", "newsletter", name, "domains", len(found), "failed", len(failed))
	return errors.Join(s.keepReceivers(ctx, found, lookupKeep), s.keepReceivers(ctx, failed, lookupAgain))
}

func (s *Service) keepReceivers(ctx context.Context, groups map[string]string, ttl time.Duration) error {
	if len(groups) == 0 {
		return nil
	}
	err := s.store.KeepReceivers(ctx, groups, ttl)
	if errors.Is(err, store.ErrBusy) { // the next issue will ask
		return nil
	}
	return err
}

// receiverOf returns the group of a domain by its mail servers; empty: the DNS
// does not answer.
func (s *Service) receiverOf(ctx context.Context, domain string) string {
	if ctx.Err() != nil {
		return ""
	}
	servers, err := s.o.LookupMX(ctx, domain)
	var gone *net.DNSError
	switch {
	case errors.As(err, &gone) && gone.IsNotFound:
		return domain // it has none: mail goes to the domain itself, or nowhere
	case len(servers) == 0: // some may be found although others are malformed
		return ""
	}
	slices.SortStableFunc(servers, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	return groupOfMX(domain, servers[0].Host)
}

// groupOfMX names the group of a domain whose mail a server takes: the receiver
// it belongs to, or else the domain that the server is in, as all that one
// provider hosts is one receiver, too.
func groupOfMX(domain, host string) string {
	if r := newsletter.ReceiverOfMX(host); r != "" {
		return r
	}
	provider, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(strings.TrimSuffix(host, ".")))
	if err != nil || strings.HasSuffix("."+domain, "."+provider) {
		return domain
	}
	return newsletter.DomainGroup(provider)
}
