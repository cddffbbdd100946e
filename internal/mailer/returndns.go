package mailer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// exchangerPatience is how long a mail server may take to greet.
const exchangerPatience = 5 * time.Second

// CheckReturn asks who takes the mail of the return path's domain (RFC 5321 5.1), and
// whether one of them answers. dial connects to port 25 of a host's address; nil: over
// the network. Receivers refuse mail whose sender cannot be answered, so that nobody
// takes it is grave.
func CheckReturn(ctx context.Context, dns *net.Resolver, dial func(ctx context.Context, network, address string) (net.Conn, error), domain string) Standing {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	const hint = "an MX record names the server that takes it: your mail server, or the machine of bounces.listen (docs/bounces.md)"
	records, err := dns.LookupMX(ctx, domain+".") // the dot: no search list
	if err != nil && !notFound(err) {
		return silent(err)
	}
	hosts := make([]string, 0, len(records))
	for _, r := range records {
		host := strings.TrimSuffix(r.Host, ".")
		if host == "" { // RFC 7505
			return Standing{Bad: true, Text: "the DNS says that " + domain + " takes no mail (MX .)", Hint: hint}
		}
		hosts = append(hosts, host)
	}
	named := "the MX of " + domain
	if len(hosts) == 0 {
		hosts, named = []string{domain}, domain+", which has no MX,"
	}
	var reached, silentOnes []string
	for _, host := range hosts[:min(len(hosts), 3)] {
		addresses, err := dns.LookupHost(ctx, host+".")
		switch {
		case err != nil && !notFound(err):
			return silent(err)
		case err != nil:
			continue
		}
		reached = append(reached, host)
		for _, address := range addresses[:min(len(addresses), 2)] {
			if err := greets(ctx, dial, address); err == nil {
				return Standing{Good: true, Text: fmt.Sprintf("%s takes its mail, and answers", host)}
			}
			silentOnes = append(silentOnes, host+" ("+address+")")
		}
	}
	if len(reached) == 0 {
		return Standing{Bad: true, Text: fmt.Sprintf("nobody takes mail for %s: %s has no address in the DNS", domain, strings.Join(hosts, ", ")), Hint: hint}
	}
	return Standing{
		Text: fmt.Sprintf("%s does not answer on port 25 from here: %s", named, strings.Join(silentOnes, ", ")),
		Hint: "many providers block port 25 outwards: try from elsewhere. Else the server is down, or a firewall keeps port 25 closed",
	}
}

// greets connects to a mail server and waits for its greeting.
func greets(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), address string) error {
	ctx, cancel := context.WithTimeout(ctx, exchangerPatience)
	defer cancel()
	c, err := dial(ctx, "tcp", net.JoinHostPort(address, "25"))
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	text := textproto.NewConn(c)
	if _, _, err := text.ReadResponse(220); err != nil {
		return err
	}
	return text.PrintfLine("QUIT")
}

func notFound(err error) bool {
	var failed *net.DNSError
	return errors.As(err, &failed) && failed.IsNotFound
}
