// Package selfsigned makes certificates for the servers of tests, each signed by itself.
package selfsigned

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

// Options say what stands in a certificate.
type Options struct {
	Names  []string  // of hosts; none: it is for 127.0.0.1
	Serial int64     // 0: 1
	Ends   time.Time // zero: a day from now
}

// Pair is a certificate and its key, in PEM form.
type Pair struct{ Certificate, Key []byte }

// New makes a certificate that began an hour ago, or a year before it ends if that is earlier.
func New(o Options) (Pair, error) {
	begins := time.Now().Add(-time.Hour)
	if o.Ends.IsZero() {
		o.Ends = begins.Add(25 * time.Hour)
	} else if year := o.Ends.AddDate(-1, 0, 0); year.Before(begins) {
		begins = year
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(max(o.Serial, 1)), Subject: pkix.Name{CommonName: "test"},
		NotBefore: begins, NotAfter: o.Ends, IsCA: true, BasicConstraintsValid: true, DNSNames: o.Names,
	}
	if len(o.Names) == 0 {
		about.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return Pair{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}

// Pool returns a pool that trusts the certificate.
func (p Pair) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.Certificate)
	return pool
}

// File returns key and certificate as servers want them that take one file.
func (p Pair) File() []byte { return slices.Concat(p.Key, p.Certificate) }
