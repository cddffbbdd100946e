package intake

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a certificate with its key in two PEM files, read again when they
// change.
type Certificate struct {
	files [2]string // certificate chain, key
	log   *slog.Logger

	mu     sync.Mutex
	seen   [2]os.FileInfo // of what was read last, good or not
	loaded *tls.Certificate
}

// Ends returns when the certificate that was read last is good no more.
func (c *Certificate) Ends() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loaded.Leaf.NotAfter
}

// ReadCertificate reads a certificate and its key.
func ReadCertificate(certificate, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{files: [2]string{certificate, key}, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// read reads the files.
func (c *Certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	c.loaded = &pair
	return nil
}

// get is the certificate of a handshake. One that cannot be read, such as while one
// file is replaced and the other is not yet, leaves the one before it.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed() {
		if err := c.read(); err != nil {
			c.log.Warn("the certificate is not renewed", "error", err)
		}
	}
	return c.loaded, nil
}

// changed reports whether the files are others than last time.
func (c *Certificate) changed() bool {
	changed := false
	for i, name := range c.files {
		now, err := os.Stat(name)
		if err != nil {
			continue // it is being replaced
		}
		last := c.seen[i]
		if last == nil || !os.SameFile(last, now) || !now.ModTime().Equal(last.ModTime()) || now.Size() != last.Size() {
			changed, c.seen[i] = true, now
		}
	}
	return changed
}
