// Package jobs is the only place where the store meets the network.
//
// The procedure of the whole job: articles are taken from their sources into
// the store (ingest.go) and out again as feeds (publish.go). When a newsletter
// is due (schedule.go) or somebody asks for it (send.go), what is new to its
// subscribers is frozen as an issue (compose.go); its digests are rendered and
// its audience is written down, batch by batch (seal.go); workers lease chunks
// of deliveries and hand them to the relays (deliver.go). run.go does all of it
// once, serve.go for as long as the daemon lives.
//
// A rate is held by all workers together: the store's clock gives out slots, one
// a message (newsletter.Pace, store.TakeSlots). A limiter (limiter.go) is one such
// limit as a process holds it: slotTaker.limiter("issue:12", 20) makes it, ready
// says without waiting whether a message may begin now (and wakes when it may),
// use takes the slot. Slots are taken some at a time, and are no good later.
//
// Every step may be interrupted at any instant and is taken up again by whoever
// comes next: the rows of the store are the truth, nothing here is.
package jobs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/source"
	"syndicate/internal/store"
)

// Options is what a Service works with. Zero values of LookupTime, CountsEvery, Delivery,
// Letters, SignUps, Retention, Feeds, Hub, Log and Now get their defaults from New.
type Options struct {
	Store       *store.Store
	Sources     []source.Source
	Site        newsletter.Site
	Newsletters []newsletter.Newsletter
	Feeds       FeedOptions
	Hub         HubOptions
	Agent       string         // what the program calls itself to servers; empty: Syndicate
	Relays      []mailer.Relay // those of weight 0 in the order in which they are tried; empty: rehearsal with the catcher
	Signer      *mailer.Signer // has the DKIM keys; nil: no signatures of ours
	OutboxDir   string         // absolute; where the catcher keeps its .eml files
	SiteFS      fs.FS          // the site folder: templates/, intros/
	Builtin     fs.FS          // templates shipped with the program, laid out like templates/ of a site
	WebURL      string         // what links in mail begin with, without trailing slash; empty: Site.URL
	HTTP        *http.Client   // asks WebURL which site it is; nil: http.DefaultClient
	Delivery    DeliveryOptions
	Letters     LetterOptions
	SignUps     SignUpOptions
	Retention   RetentionOptions
	Bounces     BounceOptions
	LookupMX    LookupMX      // nil: receivers are known by their own domains only
	LookupTime  time.Duration // for all domains of an issue: nobody's mail waits longer for it; 0: 3 s
	CountsEvery time.Duration // how often clicks and opens are written down; 0: 5 s
	Watch       []string      // absolute folders whose changes lead to an ingest in Serve

	// OfflineLinks lets mail go through a relay though nobody knows whether the
	// links in it lead here; else WebURL must be https and answer with this site's id.
	OfflineLinks bool

	// Lists opens the operator's own list of a newsletter's subscribers. The
	// error is fs.ErrNotExist where there is none; nil: no newsletter has one.
	Lists func(newsletter string) (io.ReadCloser, error)
	// ListName is what messages call that list, such as subscribers/weekly.csv.
	ListName func(newsletter string) string

	Log *slog.Logger
	Now func() time.Time
	// OnProgress is told how the work stands, at most some times a second and
	// never concurrently. It must return quickly.
	OnProgress func(Progress)
}

// FeedOptions says what Publish builds.
type FeedOptions struct {
	Dir        string   // absolute; empty: nothing is built
	Items      int      // the newest articles in a feed; 0: 50
	Full       bool     // whole articles, not only summaries
	Hubs       []string // WebSub hubs: URLs, or "self"
	Archives   publish.Archives
	Compressed bool // gzip and brotli twins beside the documents
	Named      []publish.Selection
	Moved      map[string]string // former paths of documents → where they are now
}

// DeliveryOptions says how mail is sent, retried and given up.
type DeliveryOptions struct {
	Chunk        int           // deliveries leased at a time; 0: 500
	Lease        time.Duration // how long a silent worker keeps its chunks; 0: 30 s
	Renew        time.Duration // 0: a sixth of Lease
	GiveUpAfter  time.Duration // 0: 48 h
	BackoffFirst time.Duration // 0: 1 min
	BackoffMax   time.Duration // 0: 1 h
	Breaker      BreakerOptions
	Hold         bool          // uncertain deliveries wait for the operator instead of being sent again
	Grace        time.Duration // for what is in flight when stopping; 0: 30 s
	Workers      int           // chunks in work at once in this process; 0: as many as the relays have connections
	SealBatch    int           // subscribers sealed in one transaction; 0: 2000

	Groups map[string]GroupLimit // by recipient-domain group
	Others GroupLimit            // each group that is not in Groups
}

// Progress is how far a long step is.
type Progress struct {
	Step  string // "ingest", "feeds", "lists", "seal", "send"
	Name  string // of the source, newsletter or issue ("weekly 12"), may be empty
	Done  int
	Total int // 0: unknown
}

// Service does the work. Its methods may be called concurrently.
type Service struct {
	o     Options
	store *store.Store
	log   *slog.Logger
	now   func() time.Time

	linked   atomic.Bool // links in mail were seen to lead here
	builder  *publish.Builder
	topics   topicCache
	called   hubCounts     // calls about WebSub
	progress sync.Mutex    // held while OnProgress runs
	copying  sync.Mutex    // held while files are published
	wake     chan struct{} // capacity 1: there may be something to deliver
	changed  chan struct{} // capacity 1: articles or lists may have changed
	look     chan struct{} // capacity 1: an issue's state changed
	links    linkCache
	counts   visitCounts
	signed   chan struct{} // capacity 1: somebody signed up
	mail     chan struct{} // capacity 1: mail may have come back

	crowded, capped hourly // warnings of sign-ups that are passed over
	alarms          alarms // of mail that was blocked
}

// New checks the options and returns the service. Nothing runs yet.
func New(o Options) (*Service, error) {
	if o.Store == nil {
		return nil, errors.New("jobs: no store")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lists == nil {
		o.Lists = func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }
	}
	if o.ListName == nil {
		o.ListName = func(name string) string { return "subscribers/" + name + ".csv" }
	}
	if o.Site.ID == "" {
		o.Site.ID = o.Store.SiteID()
	}
	if o.Site.Location == nil {
		o.Site.Location = time.UTC
	}
	o.Site.URL = strings.TrimRight(o.Site.URL, "/")
	if o.WebURL = strings.TrimRight(o.WebURL, "/"); o.WebURL == "" {
		o.WebURL = o.Site.URL
	}
	if o.Feeds.Items <= 0 {
		o.Feeds.Items = 50
	}
	if o.LookupTime <= 0 {
		o.LookupTime = 3 * time.Second
	}
	if o.CountsEvery <= 0 {
		o.CountsEvery = saveEvery
	}
	o.Delivery.defaults()
	o.Letters.defaults()
	o.SignUps.defaults()
	o.Retention.defaults()
	o.Hub.defaults()
	o.Newsletters = slices.Clone(o.Newsletters)
	for i := range o.Newsletters {
		n := &o.Newsletters[i]
		if n.Location == nil {
			n.Location = o.Site.Location
		}
		if n.Location == nil {
			n.Location = time.UTC
		}
		if n.Schedule == "" {
			continue
		}
		if _, err := ParseSchedule(n.Schedule, n.Location); err != nil {
			return nil, fmt.Errorf("newsletter %s: %w", n.Name, err)
		}
	}
	s := &Service{
		o: o, store: o.Store, log: o.Log, now: o.Now,
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1), look: make(chan struct{}, 1),
		signed: make(chan struct{}, 1), mail: make(chan struct{}, 1),
	}
	s.counts.full = make(chan struct{}, 1)
	s.builder = s.newBuilder()
	return s, nil
}

func (d *DeliveryOptions) defaults() {
	set := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&d.Lease, 30*time.Second)
	set(&d.Renew, d.Lease/6)
	set(&d.GiveUpAfter, 48*time.Hour)
	set(&d.BackoffFirst, time.Minute)
	set(&d.BackoffMax, time.Hour)
	set(&d.Grace, 30*time.Second)
	if d.Chunk <= 0 {
		d.Chunk = 500
	}
	if d.SealBatch <= 0 {
		d.SealBatch = 2000
	}
}

// Rehearsal reports whether mail goes to the catcher instead of a relay.
func (s *Service) Rehearsal() bool { return len(s.o.Relays) == 0 }

// Newsletter returns the newsletter of that name; store.ErrNotFound: there is none.
func (s *Service) Newsletter(name string) (newsletter.Newsletter, error) {
	for _, n := range s.o.Newsletters {
		if n.Name == name {
			return n, nil
		}
	}
	return newsletter.Newsletter{}, fmt.Errorf("newsletter %q: %w", name, store.ErrNotFound)
}

// Wake tells the delivery loops that there may be something to do.
func (s *Service) Wake() { poke(s.wake) }

// Changed tells Serve that articles or subscriber lists may have changed.
func (s *Service) Changed() { poke(s.changed) }

// poke fills a channel of capacity one without waiting.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// tell passes progress on, one call at a time.
func (s *Service) tell(p Progress) {
	if s.o.OnProgress == nil {
		return
	}
	s.progress.Lock()
	defer s.progress.Unlock()
	s.o.OnProgress(p)
}

// workerName is unique to this process and run; leases are held under it.
func (s *Service) workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s/%d/%d", host, os.Getpid(), time.Now().UnixNano())
}
