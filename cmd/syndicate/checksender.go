package main

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"syndicate/internal/config"
	"syndicate/internal/mailer"
)

// dnsPatience is how long the DNS may take for all that is asked.
const dnsPatience = 10 * time.Second

// keys looks at the files of the keys. Those that are no good are taken out of the
// configuration, so that the rest can be looked at.
func (k *check) keys(cfg *config.Config) {
	if len(cfg.DKIM) == 0 && len(cfg.Relays) > 0 {
		k.ok("dkim", "no key here: the relay signs, or nobody does (syndicate dkim keygen makes keys)")
	}
	good := cfg.DKIM[:0:0]
	for i, c := range cfg.DKIM {
		what := "dkim " + c.Domain
		key, err := readKey(cfg, i)
		if err != nil {
			k.failed(what, err)
			continue
		}
		good = append(good, c)
		k.ok(what, "%s: %s, %s", c.Selector, c.KeyFile, key.Kind())
		if st, err := os.Stat(cfg.Path(c.KeyFile)); err == nil && st.Mode().Perm()&0o004 != 0 {
			k.warning(what, c.KeyFile+" can be read by everybody on this machine", "chmod 600 "+c.KeyFile)
		}
	}
	cfg.DKIM = good
}

// sender asks the DNS how receivers see the newsletters' senders: whether it has
// the keys and, where mail leaves this machine, who may send and what becomes of
// mail that is not proven. The DNS may not know yet, so little of it is an error.
func (k *check) sender(cfg *config.Config, signer *mailer.Signer) {
	dns := k.dns
	if dns == nil {
		dns = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(k.ctx, dnsPatience)
	defer cancel()
	type question struct {
		what   string
		ask    func() mailer.Standing
		answer mailer.Standing
	}
	var list []*question
	add := func(what string, ask func() mailer.Standing) {
		list = append(list, &question{what: what, ask: ask})
	}
	for _, key := range signer.All() {
		add("dkim "+key.Domain, func() mailer.Standing { return mailer.CheckDKIM(ctx, dns, key) })
	}
	var domains []string
	for _, n := range cfg.Newsletters {
		_, domain, _ := strings.Cut(n.From.Address, "@")
		if len(cfg.Relays) == 0 || slices.Contains(domains, domain) {
			continue
		}
		domains = append(domains, domain)
		add("spf "+domain, func() mailer.Standing { return mailer.CheckSPF(ctx, dns, domain) })
		add("dmarc "+domain, func() mailer.Standing {
			return mailer.CheckDMARC(ctx, dns, domain, signer.Keys("@"+domain))
		})
	}
	var asking sync.WaitGroup
	for _, q := range list {
		asking.Go(func() { q.answer = q.ask() })
	}
	asking.Wait()
	for _, q := range list {
		k.standing(q.what, "", q.answer)
	}
}
