package proof

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"syndicate/internal/store/storetest"
)

// TestDistribution has two nodes on one PostgreSQL distribute a feed to the callbacks
// of subscribers. While nothing goes wrong, each is called once. When the node that
// distributes is killed in the middle, the other goes on: each callback is called at
// least once, and the last time with the newest document.
func TestDistribution(t *testing.T) {
	t.Parallel()
	const callbacks = 40
	h := newHubSite(t)
	nodes := map[int]*process{} // by process id
	for range 2 {
		p := h.start(h.name("serve"), "serve", "--config", h.node())
		p.says("listening on")
		nodes[p.cmd.Process.Pid] = p
		h.workers = append(h.workers, p)
	}
	h.article()
	eventually(t, "both nodes have built the feed", func() bool { return h.built() == 2 })
	hub := regexp.MustCompile(`listening on (http://[^/]*)/`).FindStringSubmatch(h.workers[0].said())[1] + "/hub"
	for i := range callbacks {
		h.subscribe(hub, fmt.Sprintf("%s/%d", h.URL, i))
	}
	eventually(t, "all are subscribed", func() bool { return h.rows.count("SELECT count(*) FROM hub_subscriptions") == callbacks })

	h.article()
	eventually(t, "all have the news", func() bool { return h.have(callbacks) })
	for path, got := range h.seen() {
		if len(got) != 1 {
			t.Errorf("%s was called %d times", path, len(got))
		}
	}

	// The first calls are not answered before the node that makes them is dead.
	h.hold()
	h.article()
	h.announced()
	h.rows.exec("UPDATE topics SET due_at = 0") // the time between two tellings passes
	victim := nodes[h.caller()]
	if victim == nil {
		t.Fatal("nobody of ours calls")
	}
	victim.signal(syscall.SIGKILL)
	victim.wait()
	h.rows.gone(victim.name)
	h.rows.exec("UPDATE hub_subscriptions SET due_at = 0") // and that for which it had taken callbacks
	h.release()
	h.article()
	h.announced()
	h.rows.exec("UPDATE topics SET due_at = 0")
	eventually(t, "all have the newest", func() bool { return h.have(callbacks) })
	for pid, p := range nodes {
		if p != victim {
			p.signal(syscall.SIGTERM)
			p.ended(0)
		}
		delete(nodes, pid)
	}
}

// hubSite is a site with a hub, and the server that its subscribers are called at.
type hubSite struct {
	*site
	*httptest.Server

	nodes int
	calls chan netip.AddrPort // while they are held: who calls

	mu   sync.Mutex
	held chan struct{}       // nil: calls are answered at once
	got  map[string][]string // documents by path
}

const hubTopic = "https://letter.example.org/feed.atom"

func newHubSite(t *testing.T) *hubSite {
	t.Helper()
	h := &hubSite{site: newSite(t, engine{"postgres", storetest.Postgres}, setting{recipients: 1}), got: map[string][]string{}, calls: make(chan netip.AddrPort, 1)}
	h.Server = httptest.NewServer(http.HandlerFunc(h.called))
	t.Cleanup(h.Close)
	t.Cleanup(h.release)
	return h
}

// node makes the configuration of another node, with a public/ of its own and the
// articles of all.
func (h *hubSite) node() (file string) {
	h.nodes++
	name := fmt.Sprintf("node%d.yaml", h.nodes)
	h.write(name, fmt.Sprintf(`
site: {title: The Proof Letter, url: "https://letter.example.org"}
store: %q
feeds: {dir: public%d, hubs: [self], hub: {private: [127.0.0.1]}}
delivery: {lease: %s, renew: 300ms, grace: %s}
web: {listen: "127.0.0.1:0"}
`, h.dsn, h.nodes, lease, grace))
	if err := os.MkdirAll(filepath.Join(h.dir, "articles"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	return filepath.Join(h.dir, name)
}

// subscribe asks the hub, which may not know the feed yet.
func (h *hubSite) subscribe(hub, callback string) {
	h.t.Helper()
	form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {hubTopic}, "hub.callback": {callback}}
	eventually(h.t, "the hub takes a subscription", func() bool {
		resp, err := http.PostForm(hub, form)
		if err != nil {
			h.t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusAccepted
	})
}

// called is a call at a callback: a question that is answered, or a document.
func (h *hubSite) called(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge")) // who asks has gone
		return
	}
	h.mu.Lock()
	held := h.held
	h.mu.Unlock()
	if held != nil {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			select {
			case h.calls <- from:
			default:
			}
		}
		<-held
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil { // whoever sent it was killed
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[r.URL.Path] = append(h.got[r.URL.Path], string(body))
}

func (h *hubSite) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = make(chan struct{})
}

func (h *hubSite) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held != nil {
		close(h.held)
		h.held = nil
	}
}

// seen returns what came to each callback.
func (h *hubSite) seen() map[string][]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string][]string{}
	for path, got := range h.got {
		all[path] = append([]string(nil), got...)
	}
	return all
}

// have reports whether so many callbacks got the newest article last.
func (h *hubSite) have(callbacks int) bool {
	newest := fmt.Sprintf("<title>Tide table number %d</title>", h.n)
	n := 0
	for _, got := range h.seen() {
		if strings.Contains(got[len(got)-1], newest) {
			n++
		}
	}
	return n == callbacks
}

// built returns how many nodes have built the feed with the newest article.
func (h *hubSite) built() (nodes int) {
	title := fmt.Sprintf("<title>Tide table number %d</title>", h.n)
	for n := range h.nodes {
		data, err := os.ReadFile(filepath.Join(h.dir, fmt.Sprintf("public%d/feed.atom", n+1)))
		if err == nil && strings.Contains(string(data), title) {
			nodes++
		}
	}
	return nodes
}

// announced waits until the newest article is in what the hub is to tell of.
func (h *hubSite) announced() {
	h.t.Helper()
	eventually(h.t, "the feed is built", func() bool { return h.built() > 0 })
	eventually(h.t, "the hub knows of it", func() bool {
		return h.rows.count("SELECT count(*) FROM topics t JOIN hub_subscriptions b ON b.topic = t.topic WHERE b.version < t.version") > 0
	})
}

// caller waits for a call that is held, and returns the id of the process that makes
// it: the one that has the other end of the connection.
func (h *hubSite) caller() (pid int) {
	h.t.Helper()
	from := <-h.calls
	for _, p := range h.workers {
		if owns(h.t, p.cmd.Process.Pid, from) {
			return p.cmd.Process.Pid
		}
	}
	return 0
}

// owns reports whether a process has a TCP socket at an address, by Linux's /proc.
func owns(t *testing.T, pid int, at netip.AddrPort) bool {
	t.Helper()
	local := fmt.Sprintf("%X:%04X", reversed(at.Addr().Unmap()), at.Port())
	inodes := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[1], local) {
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && inodes[to] {
			return true
		}
	}
	return false
}

// reversed returns an IPv4 address as the kernel prints it: little-endian.
func reversed(a netip.Addr) []byte {
	b := a.As4()
	return []byte{b[3], b[2], b[1], b[0]}
}
