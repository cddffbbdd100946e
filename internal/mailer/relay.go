package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"syndicate/internal/newsletter"
)

// Relay is an SMTP server that takes our mail.
type Relay struct {
	Name string // in messages and limits; empty: Host
	Host string // name or IP address
	Port int    // 0: 587 for starttls, 465 for implicit, 25 for none

	TLS                string                 // "starttls" (the default: encrypt or do not send), "implicit" or "none"
	RootCAs            *x509.CertPool         // nil: the system's; see ReadCAs
	InsecureSkipVerify bool                   // test servers only
	Sessions           tls.ClientSessionCache // of TLS, to resume; nil: each handshake is a whole one

	Auth     string // "auto" (the default), "plain", "login", "cram-md5", "scram-sha-256" or "none"
	Username string // empty: no login
	Password string

	Helo     string // name to greet with; empty: this machine's
	Timeouts Timeouts

	// Limits over all workers; jobs holds them.
	Connections int     // open at once
	Rate        float64 // messages a second, 0: no limit
	WarmUp      newsletter.WarmUp

	// Weight is the relay's share of the messages among several; 0: it stands by.
	Weight int

	// MessagesPerConnection ends Run after so many messages; 0: no limit.
	MessagesPerConnection int
}

// Timeouts bound the steps of a conversation. Zero fields take the defaults,
// those of RFC 5321 4.5.3.2 but for a shorter Connect.
type Timeouts struct {
	Connect time.Duration // TCP and TLS handshakes; 30 s
	Command time.Duration // the greeting and the reply to each command; 5 min
	Data    time.Duration // each write of message bytes; 3 min
	Dot     time.Duration // the reply to the end of a message; 10 min
}

func (t Timeouts) withDefaults() Timeouts {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Connect, 30 * time.Second},
		{&t.Command, 5 * time.Minute},
		{&t.Data, 3 * time.Minute},
		{&t.Dot, 10 * time.Minute},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}

// withDefaults fills in what was left out.
func (r Relay) withDefaults() Relay {
	r.TLS = strings.ToLower(r.TLS)
	if r.TLS == "" {
		r.TLS = "starttls"
	}
	if r.Port == 0 {
		r.Port = map[string]int{"starttls": 587, "implicit": 465}[r.TLS]
		if r.Port == 0 {
			r.Port = 25
		}
	}
	if r.Name == "" {
		r.Name = r.Host
	}
	r.Timeouts = r.Timeouts.withDefaults()
	return r
}

// Addr returns host:port.
func (r Relay) Addr() string {
	return net.JoinHostPort(r.Host, strconv.Itoa(r.withDefaults().Port))
}

// Dial connects, greets, encrypts and logs in. If it fails, the reply says in
// which phase and with which code (0: no answer), and the error, a *RelayError,
// says it to people. Nothing stays open after a failure.
func Dial(ctx context.Context, r Relay) (*Conn, newsletter.Reply, error) {
	r = r.withDefaults()
	c, err := r.dial(ctx)
	if err != nil {
		var failed *RelayError
		if !errors.As(err, &failed) {
			failed = &RelayError{Err: err}
		}
		failed.Relay, failed.Addr = r.Name, r.Addr()
		return nil, failed.Reply, failed
	}
	return c, newsletter.Reply{Phase: newsletter.PhaseHello, Code: 250}, nil
}

func (r *Relay) dial(ctx context.Context) (_ *Conn, err error) {
	if r.TLS != "starttls" && r.TLS != "implicit" && r.TLS != "none" {
		return nil, r.fail(newsletter.PhaseConnect, 0, fmt.Errorf("tls: %q is not starttls, implicit or none", r.TLS))
	}
	dialer := net.Dialer{Timeout: r.Timeouts.Connect}
	tcp, err := dialer.DialContext(ctx, "tcp", r.Addr())
	if err != nil {
		return nil, r.fail(newsletter.PhaseConnect, r.Timeouts.Connect, err)
	}
	raw := &boundedConn{Conn: tcp, left: maxHandshake}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer func() {
		if !stop() && err == nil {
			err = r.fail(newsletter.PhaseConnect, 0, ctx.Err())
		}
		if err != nil {
			raw.Close()
		}
	}()

	client, err := r.greet(ctx, raw)
	if err != nil {
		return nil, err
	}
	c := &Conn{raw: raw, client: client, timeouts: r.Timeouts, limit: r.MessagesPerConnection}
	if r.TLS == "starttls" {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, r.fail(newsletter.PhaseTLS, 0, errNoSTARTTLS)
		}
		r.deadline(raw, r.Timeouts.Connect)
		if err := client.StartTLS(r.tlsConfig()); err != nil {
			return nil, r.fail(newsletter.PhaseTLS, r.Timeouts.Connect, err)
		}
	}
	if state, err := client.GetTLSConnectionState(); err == nil {
		c.caps.TLS = tls.VersionName(state.Version)
	}
	if _, offered := client.Extension("AUTH"); offered != "" {
		c.caps.Offered = strings.Fields(strings.ToUpper(offered))
	}
	r.deadline(raw, r.Timeouts.Command)
	if c.caps.Auth, err = r.login(client, c.caps.Offered, c.caps.TLS != "" || loopback(tcp)); err != nil {
		return nil, r.fail(newsletter.PhaseAuth, r.Timeouts.Command, err)
	}
	c.caps.Pipelining, _ = client.Extension("PIPELINING")
	var size string
	c.caps.declareSize, size = client.Extension("SIZE")
	if n, err := strconv.ParseInt(strings.TrimSpace(size), 10, 64); err == nil && n > 0 {
		c.caps.Size = n
	}
	c.r, c.w = client.Text.R, client.Text.W
	raw.unbound()
	return c, nil
}

// greet reads the greeting and says EHLO, under TLS where it is implicit.
func (r *Relay) greet(ctx context.Context, raw *boundedConn) (*smtp.Client, error) {
	var conn net.Conn = raw
	if r.TLS == "implicit" {
		r.deadline(raw, r.Timeouts.Connect)
		encrypted := tls.Client(raw, r.tlsConfig())
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, r.fail(newsletter.PhaseTLS, r.Timeouts.Connect, err)
		}
		conn = encrypted
	}
	r.deadline(raw, r.Timeouts.Command)
	client, err := smtp.NewClient(conn, r.Host)
	if err != nil {
		return nil, r.fail(newsletter.PhaseConnect, r.Timeouts.Command, err)
	}
	r.deadline(raw, r.Timeouts.Command)
	if err := client.Hello(r.helo(raw.LocalAddr())); err != nil {
		return nil, r.fail(newsletter.PhaseHello, r.Timeouts.Command, err)
	}
	return client, nil
}

// deadline bounds a step; on a connection that is closed, the step itself fails.
func (r *Relay) deadline(raw *boundedConn, d time.Duration) {
	_ = raw.SetDeadline(time.Now().Add(d))
}

func (r *Relay) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName:                  r.Host,
		RootCAs:                     r.RootCAs,
		InsecureSkipVerify:          r.InsecureSkipVerify, // the operator's word, for test servers
		MinVersion:                  tls.VersionTLS12,
		ClientSessionCache:          r.Sessions,
		DynamicRecordSizingDisabled: true, // whole messages, not the first bytes of a page
	}
}

// helo returns the name to greet with: the configured one, this machine's if it
// is a full one, else its address (RFC 5321 4.1.4).
func (r *Relay) helo(local net.Addr) string {
	if r.Helo != "" {
		return r.Helo
	}
	name, err := os.Hostname()
	if err == nil && strings.Contains(name, ".") && !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return name
	}
	if a, ok := local.(*net.TCPAddr); ok {
		if a.IP.To4() == nil {
			return "[IPv6:" + a.IP.String() + "]"
		}
		return "[" + a.IP.String() + "]"
	}
	return "localhost"
}

func loopback(c net.Conn) bool {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// login logs in and returns the mechanism, "" if none was asked for. safe says
// that nobody can listen.
func (r *Relay) login(client *smtp.Client, offered []string, safe bool) (string, error) {
	wish := strings.ToUpper(r.Auth)
	if r.Username == "" || wish == "NONE" {
		return "", nil
	}
	if !safe {
		return "", errClearAuth
	}
	mechanisms := []struct {
		name string
		auth smtp.Auth
	}{ // the strongest first; CRAM-MD5 needs the password in clear on the server, and inside TLS it adds nothing
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(r.Username, r.Password)},
		{"PLAIN", smtp.PlainAuth("", r.Username, r.Password, r.Host, true)},
		{"LOGIN", smtp.LoginAuth(r.Username, r.Password, r.Host, true)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(r.Username, r.Password)},
	}
	known := false
	for _, m := range mechanisms {
		if wish != "" && wish != "AUTO" && wish != m.name {
			continue
		}
		known = true
		if slices.Contains(offered, m.name) {
			return m.name, client.Auth(m.auth)
		}
	}
	switch {
	case !known:
		return "", fmt.Errorf("auth: %q is not auto, plain, login, cram-md5, scram-sha-256 or none", r.Auth)
	case len(offered) == 0:
		return "", errNoAuth
	}
	return "", fmt.Errorf("the relay offers only other ways to log in: %s", strings.Join(offered, ", "))
}

// fail turns an error of a step into a *RelayError. A reply inside it counts
// more than what came of it.
func (r *Relay) fail(phase newsletter.Phase, waited time.Duration, err error) error {
	var said *textproto.Error
	if errors.As(err, &said) {
		return &RelayError{Reply: newReply(phase, said.Code, said.Msg), Err: err}
	}
	return &RelayError{Reply: noReply(phase, err, waited), Err: err}
}

// ReadCAs reads a PEM file of certificate authorities for Relay.RootCAs.
func ReadCAs(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of a relay: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	return pool, nil
}
