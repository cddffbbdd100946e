package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/mailer"
)

// bounces looks at the ways by which mail comes back.
func (k *check) bounces(s *site, offline bool) {
	b := s.cfg.Bounces
	if b.Maildir != "" {
		k.maildir(s)
	}
	if b.Listen != "" {
		k.mailServer(s)
	}
	if b.ReturnPath.Address != "" && !offline {
		dns := k.dns
		if dns == nil {
			dns = net.DefaultResolver
		}
		ctx, cancel := context.WithTimeout(k.ctx, 2*dnsPatience)
		defer cancel()
		st := mailer.CheckReturn(ctx, dns, nil, domainOf(b.ReturnPath.Address))
		if st.Bad && len(s.cfg.Relays) == 0 { // a rehearsal's mail asks no receiver
			st.Bad, st.Text = false, st.Text+"; with a relay, receivers would refuse all mail"
		}
		k.standing("return path", s.cfg.Where("bounces.return_path"), st)
	}
}

// standing adds what the DNS says; where is the key that it is about, if there is one.
func (k *check) standing(what, where string, st mailer.Standing) {
	result := resultWarning
	switch {
	case st.Good:
		result, where = resultOK, ""
	case st.Bad:
		result = resultError
	}
	if where != "" {
		st.Text = where + ": " + st.Text
	}
	k.found = append(k.found, finding{What: what, Result: result, Text: st.Text, Hint: st.Hint})
}

// maildir looks whether the Maildir is one, and may be read and written to.
func (k *check) maildir(s *site) {
	const what = "maildir"
	dir := s.options.Bounces.Maildir
	waiting, err := lookIntoMaildir(dir)
	if err != nil {
		k.failed(what, fmt.Errorf("%s: %w", s.cfg.Where("bounces.maildir"), err))
		return
	}
	k.ok(what, "%s: %s to take in", shown(dir), count(waiting, "message"))
}

// lookIntoMaildir counts the messages that wait in a Maildir, at most a thousand.
func lookIntoMaildir(dir string) (waiting int, err error) {
	box, err := os.Open(filepath.Join(dir, "new"))
	if errors.Is(err, fs.ErrNotExist) {
		hint := "the mail server makes it with the first mail; or make the folders new, cur and tmp in it, for the user of the mail server"
		if _, err := os.Stat(dir); err != nil {
			return 0, hinted(err, "%s", hint)
		}
		return 0, hinted(fmt.Errorf("%s is no Maildir: it has no folder new", shown(dir)), "%s", hint)
	}
	if err != nil {
		return 0, err
	}
	defer box.Close()
	names, err := box.Readdirnames(1000)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, ".") {
			waiting++
		}
	}
	// What was taken in is moved from new to cur; without cur it is made.
	folders := []string{"new", "cur"}
	if _, err := os.Stat(filepath.Join(dir, "cur")); errors.Is(err, fs.ErrNotExist) {
		folders[1] = "."
	}
	for _, folder := range folders {
		f, err := os.CreateTemp(filepath.Join(dir, folder), ".syndicate-check-*")
		if err != nil {
			return waiting, hinted(err, "serve moves what it took in from new to cur, and needs to write there")
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			return waiting, err
		}
	}
	return waiting, nil
}

// certificateWarning is how long before its end a certificate is warned of.
const certificateWarning = 7 * 24 * time.Hour

// mailServer looks whether the server for mail that comes back can listen, or does.
func (k *check) mailServer(s *site) {
	const what = "mail server"
	b := s.cfg.Bounces
	mail, err := s.intake()
	if err != nil {
		k.failed(what, err)
		return
	}
	if b.CertificateFile != "" {
		k.certificate(s)
	}
	l, err := s.listenForMail(k.ctx, mail)
	switch {
	case err == nil:
		l.Close()
		k.ok(what, "%s is free: serve will take mail there", b.Listen)
	case errors.Is(err, syscall.EADDRINUSE):
		if ask := takesOurs(k.ctx, b.Listen, s.ownMailbox()); ask != nil {
			k.failed(what, hinted(fmt.Errorf("%w, and not by this site: %w", err, ask), "bounces.listen takes another port"))
			return
		}
		k.ok(what, "%s takes mail for %s", b.Listen, domainOf(s.ownMailbox()))
	default:
		k.failed(what, err)
		return
	}
	if isLoopbackAddress(b.Listen) {
		return
	}
	where, domain := s.cfg.Where("bounces.listen"), domainOf(s.ownMailbox())
	if _, port, err := net.SplitHostPort(b.Listen); err == nil && port != "25" {
		k.warning(what, fmt.Sprintf("%s: other mail servers connect to port 25, not to %s", where, port),
			"a firewall may lead port 25 here, or a mail server before it; else listen on port 25")
	}
	if b.CertificateFile == "" {
		k.warning(what, where+": it can be reached from elsewhere, and mail comes in the clear", "certificate_file and key_file: any certificate will do")
	}
	k.found = append(k.found, finding{
		What: what, Result: resultOK, Text: "it can be reached from elsewhere if the firewall lets port 25 in",
		Hint: "the MX of " + domain + " has to name this machine",
	})
}

// certificate looks for how long the certificate is good.
func (k *check) certificate(s *site) {
	const what = "mail server"
	b := s.cfg.Bounces
	c, err := intake.ReadCertificate(s.cfg.Path(b.CertificateFile), s.cfg.Path(b.KeyFile), s.log)
	if err != nil {
		return // told by who wanted to use it
	}
	where, end := s.cfg.Where("bounces.certificate_file"), c.Ends()
	switch left := end.Sub(k.clock()); {
	case left <= 0:
		k.warning(what, where+": the certificate has ended "+moment(end, s.cfg.Site.TimeZone), "most senders do not mind; those who verify do not hand over")
	case left < certificateWarning:
		k.warning(what, where+": the certificate ends "+moment(end, s.cfg.Site.TimeZone), "a new one in the same files is taken without a restart")
	}
}

// ownMailbox is the address that mail comes back to; where bounces.listen is, there is one.
func (s *site) ownMailbox() string { return s.cfg.Bounces.ReturnPath.Address }

// askPatience is how long a server on this machine may take to answer.
const askPatience = 5 * time.Second

// takesOurs asks what listens on an address whether it takes mail for one of ours, and
// hands none over.
func takesOurs(ctx context.Context, listen, ours string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if err := errors.Join(c.Mail(""), c.Rcpt(ours)); err != nil {
		return err
	}
	return errors.Join(c.Reset(), c.Quit())
}

// isLoopbackAddress reports whether only this machine can connect to an address.
func isLoopbackAddress(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip, bad := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || bad == nil && ip.IsLoopback())
}
