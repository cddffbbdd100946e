package mailbox

import (
	"cmp"
	"crypto/x509"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// How messages that were taken are put away, if not in a folder.
const (
	ProcessedSeen   = "seen"   // marked as read, and with a keyword where the server keeps any
	ProcessedDelete = "delete" // deleted
)

// Account is a folder on a server, and who reads it.
type Account struct {
	Host string
	Port int // 0: 993 for implicit, else 143

	TLS     string         // "implicit" (the default), "starttls" or "none", which is for this machine only
	RootCAs *x509.CertPool // nil: the system's

	Username string
	Password string

	Folder    string // empty: INBOX
	Processed string // ProcessedSeen (the default), ProcessedDelete, or the folder that messages are moved to

	Limit    int64 // octets that are read of a message; 0: a mebibyte
	Timeouts Timeouts
}

// Timeouts bound the steps of a conversation. Zero fields take the defaults.
type Timeouts struct {
	Connect time.Duration // TCP, TLS and the greeting; 30 s
	Command time.Duration // each command; 1 min
	Fetch   time.Duration // each message; 5 min
	Idle    time.Duration // for so long nothing is said while mail is waited for; 10 min (RFC 2177 wants less than 29)
	Poll    time.Duration // how often a server without IDLE is asked; 1 min
}

func (a Account) withDefaults() Account {
	a.TLS = cmp.Or(strings.ToLower(a.TLS), "implicit")
	a.Port = cmp.Or(a.Port, map[string]int{"implicit": 993}[a.TLS], 143)
	a.Folder = cmp.Or(a.Folder, "INBOX")
	a.Processed = cmp.Or(a.Processed, ProcessedSeen)
	a.Limit = cmp.Or(a.Limit, 1<<20)
	t := &a.Timeouts
	t.Connect = cmp.Or(t.Connect, 30*time.Second)
	t.Command = cmp.Or(t.Command, time.Minute)
	t.Fetch = cmp.Or(t.Fetch, 5*time.Minute)
	t.Idle = cmp.Or(t.Idle, 10*time.Minute)
	t.Poll = cmp.Or(t.Poll, time.Minute)
	return a
}

// Addr returns host:port.
func (a Account) Addr() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(a.withDefaults().Port))
}

// Reader reads the folder of an account, over one connection after the other. Its
// methods belong to one goroutine.
type Reader struct {
	a      Account
	unread func(error)

	conn     *boundedConn
	client   *imapclient.Client
	caps     imap.CapSet
	news     chan struct{}     // capacity 1: mail may have come
	selected uint32            // messages in the folder when it was selected
	keyword  bool              // the folder keeps keywords
	skip     map[imap.UID]bool // the server cannot give them, on this connection

	// What stays over connections: in the middle of which messages they broke.
	validity uint32
	broke    map[imap.UID]int
}

// New returns a reader. unread is told why a message could not be read; the others
// are.
func New(a Account, unread func(error)) *Reader {
	return &Reader{a: a.withDefaults(), unread: unread, broke: map[imap.UID]int{}}
}

// Close closes the connection, if there is one. Open opens another.
func (r *Reader) Close() {
	if r.conn != nil {
		r.conn.Close()
		r.conn, r.client = nil, nil
	}
}
