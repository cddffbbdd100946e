package proof

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syndicate/internal/test/sink"
)

// site is a site with one newsletter, whose only relay is a sink.
type site struct {
	t       *testing.T
	engine  string
	dir     string
	dsn     string
	sink    *sink.Server
	watch   *watch
	readers []string
	rows    *rows
	n       int // articles
	workers []*process
}

// setting is what is particular about a site.
type setting struct {
	recipients int // 0: *recipients
	hold       bool
	sink       sink.Options
	login      bool          // with a name and a password
	rate       int           // messages a second that the relay may get; 0: no limit
	grace      time.Duration // 0: grace
}

const (
	username = "letter"
	password = "right"
)

func newSite(t *testing.T, e engine, x setting) *site {
	t.Helper()
	s := &site{t: t, engine: e.name, dir: t.TempDir(), dsn: e.dsn(t), watch: &watch{}}
	if x.recipients == 0 {
		x.recipients = *recipients
	}
	if x.login {
		x.sink.Username, x.sink.Password = username, password
	}
	x.sink.On = s.watch.see
	var err error
	if s.sink, err = sink.Start(x.sink); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.sink.Close)
	s.write("config.yaml", s.config(x))
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range x.recipients {
		s.readers = append(s.readers, fmt.Sprintf("reader%d@d%d.example.org", i, i%7))
		fmt.Fprintf(&list, "%s,Reader %d\n", s.readers[i], i)
	}
	s.write("subscribers/weekly.csv", list.String())
	s.rows = openRows(t, e.name, s.dsn)
	return s
}

func (s *site) config(x setting) string {
	host, port := s.sink.Addr()
	login, rate, uncertain := "", "", "resend"
	if x.rate > 0 {
		rate = fmt.Sprintf(", rate: %d/s", x.rate)
	}
	if x.login {
		login = fmt.Sprintf(", username: %s, password: %s", username, password)
	}
	if x.hold {
		uncertain = "hold"
	}
	return fmt.Sprintf(`
site: {title: The Proof Letter, url: "https://letter.example.org", postal_address: 1 Quay}
store: %q
newsletters:
  weekly: {title: Weekly, from: Weekly <weekly@example.org>}
relays:
  - {name: main, host: %s, port: %d, tls: none%s%s, connections: %d, timeouts: {connect: 5s, command: 1s, data: 5s, dot: 1s}}
delivery:
  {chunk: %d, lease: %s, renew: 300ms, backoff: {first: 50ms, max: 500ms}, grace: %s, uncertain: %s}
web: {listen: "127.0.0.1:0"}
`, s.dsn, host, port, login, rate, connections, max(5, x.recipients/20), lease, cmp.Or(x.grace, grace), uncertain)
}

func (s *site) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// article publishes an article.
func (s *site) article() {
	s.n++
	s.write(fmt.Sprintf("articles/a%d.md", s.n),
		fmt.Sprintf("---\ntitle: Tide table number %d\nslug: tide-%d\ndate: 2026-01-01\n---\n%s\n", s.n, s.n, strings.Repeat("Water rises and falls. ", 200)))
}

// send starts a process that makes an issue, and delivers like the others.
func (s *site) send() *process {
	s.article()
	return s.start(s.name("send"), "send", "weekly", "--yes")
}

// name makes a name for a process.
func (s *site) name(kind string) string {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.processes++
	return fmt.Sprintf("%s-%d", kind, s.watch.processes)
}

// staff starts the processes that deliver besides the one that sends: a daemon on
// SQLite, where one process delivers at a time, and two on PostgreSQL.
func (s *site) staff() {
	count := 1
	if s.engine == "postgres" {
		count = workers - 1
	}
	for range count {
		s.hire()
	}
}

func (s *site) hire() *process {
	s.t.Helper()
	var p *process
	if s.engine == "postgres" {
		p = s.start(s.name("worker"), "worker")
		p.says("Delivering for")
	} else {
		p = s.start(s.name("serve"), "serve")
		p.says("listening on")
	}
	s.workers = append(s.workers, p)
	return p
}

// finished waits until no delivery of the newest issue is open.
func (s *site) finished() {
	s.t.Helper()
	eventually(s.t, "the issue is sent", func() bool { return s.rows.issue() == "sent" })
}

// check compares what arrived with what should have. mayRepeat says how many
// copies more than one somebody may have.
func (s *site) check(mayRepeat func(address string, r sink.Recipient) int) (repeats int) {
	s.t.Helper()
	got := s.sink.Recipients()
	states := s.rows.states()
	lost := 0
	for _, a := range s.readers {
		r := got[a]
		state := states[a]
		switch {
		case state == "sent" && r.Copies == 0:
			lost++
		case state != "sent" && state != "failed" && state != "uncertain":
			s.t.Errorf("%s: the delivery is %q", a, state)
		case state == "failed" && r.Copies > 0:
			s.t.Errorf("%s: failed, and has %d copies", a, r.Copies)
		}
		if most := mayRepeat(a, r); r.Copies > 1+most {
			s.t.Errorf("%s: %d copies, at most %d were to be (%+v)", a, r.Copies, 1+most, r)
		}
		repeats += max(0, r.Copies-1)
	}
	if lost > 0 {
		s.t.Errorf("%d lost", lost)
	}
	if len(got) > len(s.readers) {
		s.t.Errorf("%d recipients, of %d subscribers", len(got), len(s.readers))
	}
	if r := s.sink.Report(); r.Empty+r.Astray+r.OtherID > 0 {
		s.t.Errorf("%d empty messages, %d for somebody else, %d copies with another Message-ID", r.Empty, r.Astray, r.OtherID)
	}
	return repeats
}

// only wants every delivery in a state.
func (s *site) only(state string) {
	s.t.Helper()
	count := map[string]int{}
	for _, got := range s.rows.states() {
		count[got]++
	}
	if count[state] != len(s.readers) {
		s.t.Errorf("deliveries are %v, want all %s", count, state)
	}
}
