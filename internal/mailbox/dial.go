package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// taken is the keyword of messages that were taken, where the server keeps keywords:
// whoever else looks into the folder makes messages read, but does not put this on.
const taken imap.Flag = "$SyndicateTaken"

// Open connects, logs in and selects the folder. Errors are *Error, but for the end of
// ctx; nothing stays open after one.
func (r *Reader) Open(ctx context.Context) error {
	r.Close()
	found, err := r.open(ctx, false)
	if err != nil {
		r.Close()
		return err
	}
	r.keyword = slices.Contains(found.PermanentFlags, imap.FlagWildcard) || slices.Contains(found.PermanentFlags, taken)
	r.selected, r.skip = found.NumMessages, map[imap.UID]bool{}
	if r.validity != found.UIDValidity { // other messages have these numbers now
		r.validity = found.UIDValidity
		clear(r.broke)
	}
	return nil
}

// open leads a new connection to the selected folder.
func (r *Reader) open(ctx context.Context, readOnly bool) (*imap.SelectData, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.login(ctx); err != nil {
		return nil, err
	}
	client := r.client
	found, err := step(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, func() (*imap.SelectData, error) {
		return client.Select(r.a.Folder, &imap.SelectOptions{ReadOnly: readOnly}).Wait()
	})
	if err != nil {
		return nil, r.fail(fmt.Sprintf("opening the folder %q", r.a.Folder), "folder", err)
	}
	return found, nil
}

// connect dials and encrypts, and waits for the greeting.
func (r *Reader) connect(ctx context.Context) error {
	dialer := net.Dialer{Timeout: r.a.Timeouts.Connect}
	tcp, err := dialer.DialContext(ctx, "tcp", r.a.Addr())
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.fail(connecting, "host", err)
	}
	conn := &boundedConn{Conn: tcp}
	r.conn, r.news = conn, make(chan struct{}, 1)
	options := &imapclient.Options{
		TLSConfig:             &tls.Config{ServerName: r.a.Host, RootCAs: r.a.RootCAs, MinVersion: tls.VersionTLS12},
		UnilateralDataHandler: tellNews(r.news),
	}
	name, key := "encrypting", "tls"
	if r.a.TLS == "none" && loopback(tcp) {
		name, key = connecting, "host"
	}
	r.client, err = step(ctx, conn, r.a.Timeouts.Connect, maxGreeting, func() (*imapclient.Client, error) {
		return greet(ctx, conn, r.a.TLS, options)
	})
	var said *imap.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSlow), errors.As(err, &said): // whatever it was to be about
		return r.fail(connecting, "host", err)
	}
	return r.fail(name, key, err)
}

// greet makes a client of a connection, as it is to be encrypted.
func greet(ctx context.Context, conn net.Conn, mode string, o *imapclient.Options) (*imapclient.Client, error) {
	switch mode {
	case "implicit":
		encrypted := tls.Client(conn, o.TLSConfig)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = encrypted
	case "starttls":
		client, err := imapclient.NewStartTLS(conn, o)
		var said *imap.Error
		if errors.As(err, &said) && said.Type != imap.StatusResponseTypeBye {
			return nil, errNoSTARTTLS
		}
		return client, err
	case "none":
		if !loopback(conn) {
			return nil, errClear
		}
	default:
		return nil, fmt.Errorf("tls: %q is not implicit, starttls or none", mode)
	}
	client := imapclient.New(conn, o)
	return client, client.WaitGreeting()
}

func loopback(c net.Conn) bool {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// tellNews fills a channel of capacity one when the number of messages changes.
func tellNews(news chan<- struct{}) *imapclient.UnilateralDataHandler {
	return &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages == nil {
			return
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}}
}

// login logs in, and learns what the server can do.
func (r *Reader) login(ctx context.Context) (err error) {
	client := r.client
	r.caps, err = step(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, func() (imap.CapSet, error) {
		if client.State() != imap.ConnStateAuthenticated { // by the connection itself (PREAUTH)
			if err := authenticate(client, r.a.Username, r.a.Password); err != nil {
				return nil, err
			}
		}
		return client.Capability().Wait() // what was said before need not hold any more
	})
	if err != nil {
		return r.fail("logging in", "username", err)
	}
	return nil
}

func authenticate(client *imapclient.Client, username, password string) error {
	switch caps := client.Caps(); {
	case caps.Has(imap.AuthCap(sasl.Plain)):
		return client.Authenticate(sasl.NewPlainClient("", username, password))
	case caps.Has(imap.CapLoginDisabled):
		return errNoLogin
	}
	return client.Login(username, password).Wait()
}
