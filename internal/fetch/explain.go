package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
)

// explain puts a failure in words, without the address, which net/url's error
// repeats.
func (c *Client) explain(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var (
		name    *net.DNSError
		refused *net.OpError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, ErrPrivate), errors.Is(err, ErrAddress):
		if errors.As(err, &refused) { // "dial tcp 10.0.0.1:80: …" says nothing more
			return refused.Err
		}
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it did not answer within %s: %w", c.o.Total, context.DeadlineExceeded)
	case errors.As(err, &name):
		if name.IsNotFound {
			return fmt.Errorf("there is no host %s: %w", name.Name, err)
		}
		return fmt.Errorf("the name %s cannot be looked up just now: %w", name.Name, err)
	case errors.As(err, &host), errors.As(err, &unknown), errors.As(err, &invalid):
		return fmt.Errorf("its certificate is not to be trusted: %w", err)
	case errors.As(err, &record):
		return fmt.Errorf("it does not speak TLS: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens there: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return fmt.Errorf("it does not answer in time: %w", err)
	}
	return err
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
