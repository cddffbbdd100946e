package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/store"
)

// gaugesFor is how long the store's counts are kept: whoever asks more often
// costs nothing.
const gaugesFor = 30 * time.Second

// counters count answers by the first digit of their status.
type counters struct{ class [6]atomic.Int64 }

func (c *counters) add(code int) {
	if i := code / 100; i > 0 && i < len(c.class) {
		c.class[i].Add(1)
	}
}

// gauges are the store's counts.
type gauges struct {
	overview store.Overview
	hub      store.HubState
	counts   []store.CountTotal
	boxes    []store.Mailbox
	reports  []store.BounceCount
}

// gaugeCache keeps the last ones.
type gaugeCache struct {
	mu   sync.Mutex
	at   time.Time
	last gauges
}

func (s *server) readGauges(ctx context.Context) (g gauges, err error) {
	c, now := &s.gauges, s.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := now.Sub(c.at); age >= 0 && age < gaugesFor {
		return c.last, nil
	}
	if g.overview, err = s.store.Overview(ctx); err != nil {
		return g, err
	}
	if g.hub, err = s.o.Service.HubState(ctx); err != nil {
		return g, err
	}
	if g.counts, err = s.store.CountTotals(ctx); err != nil {
		return g, err
	}
	if g.boxes, err = s.o.Service.Mailboxes(ctx); err != nil {
		return g, err
	}
	if g.reports, err = s.store.ReportTotals(ctx); err != nil {
		return g, err
	}
	c.at, c.last = now, g
	return g, nil
}

// metrics answers Prometheus (text format 0.0.4), on this machine and in private
// networks only: how many subscribers there are is the operator's business. A proxy
// that names no client is taken for one; docs/site.md warns of it.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) error {
	if !s.isLocal(r) {
		return status(http.StatusForbidden)
	}
	var b strings.Builder
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }

	family("syndicate_build_info", "gauge", "The running program.")
	fmt.Fprintf(&b, "syndicate_build_info{version=%s,go=%s,store=%s} 1\n", label(s.o.Version), label(runtime.Version()), label(s.store.Engine()))
	family("syndicate_http_requests_total", "counter", "Answers by class of status.")
	for i := 1; i < len(s.count.class); i++ {
		fmt.Fprintf(&b, "syndicate_http_requests_total{class=\"%dxx\"} %d\n", i, s.count.class[i].Load())
	}

	family("syndicate_feed_requests_total", "counter", "Requests for feeds by what became of them.")
	for _, c := range []struct {
		answer string
		count  *atomic.Int64
	}{{"whole", &s.fed.whole}, {"unchanged", &s.fed.unchanged}, {"delta", &s.fed.delta}, {"page", &s.fed.page}, {"refused", &s.fed.refused}} {
		fmt.Fprintf(&b, "syndicate_feed_requests_total{answer=\"%s\"} %d\n", c.answer, c.count.Load())
	}
	family("syndicate_feed_bytes_held", "gauge", "Feeds in memory, in all codings.")
	fmt.Fprintf(&b, "syndicate_feed_bytes_held %d\n", s.shelf.held.Load())

	if s.o.Mail != nil {
		writeMail(&b, family, s.o.Mail.Counts())
	}
	g, err := s.readGauges(r.Context())
	family("syndicate_store_up", "gauge", "Whether the store answers.")
	if err != nil {
		fmt.Fprintln(&b, "syndicate_store_up 0")
	} else {
		fmt.Fprintln(&b, "syndicate_store_up 1")
		writeOverview(&b, family, g.overview)
		writeHub(&b, family, g.hub)
		writeCounts(&b, family, g.counts)
		writeMailboxes(&b, family, g.boxes)
		writeReports(&b, family, g.reports)
	}
	family("syndicate_hub_calls_total", "counter", "Calls about WebSub by purpose and result.")
	for _, c := range s.o.Service.HubCalls() {
		fmt.Fprintf(&b, "syndicate_hub_calls_total{purpose=%[1]s,result=\"ok\"} %[2]d\nsyndicate_hub_calls_total{purpose=%[1]s,result=\"failed\"} %[3]d\n", label(c.Purpose), c.OK, c.Failed)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.Write([]byte(b.String()))
	return nil
}

// writeMail tells what became of mail that was handed to this process.
func writeMail(b *strings.Builder, family func(name, kind, help string), c intake.Counts) {
	family("syndicate_mail_taken_total", "counter", "Messages that came back and were stored.")
	fmt.Fprintf(b, "syndicate_mail_taken_total %d\n", c.Taken)
	family("syndicate_mail_refused_total", "counter", "What was not taken, by why.")
	for _, x := range []struct {
		why string
		n   int64
	}{{"recipient", c.Strangers}, {"size", c.TooLarge}, {"store", c.NotStored}, {"rate", c.TooMany}, {"connections", c.TurnedAway}} {
		fmt.Fprintf(b, "syndicate_mail_refused_total{why=\"%s\"} %d\n", x.why, x.n)
	}
}

func writeOverview(b *strings.Builder, family func(name, kind, help string), o store.Overview) {
	family("syndicate_articles", "gauge", "Articles by state.")
	for _, state := range slices.Sorted(maps.Keys(o.Articles)) {
		fmt.Fprintf(b, "syndicate_articles{state=%s} %d\n", label(state), o.Articles[state])
	}
	family("syndicate_subscriptions", "gauge", "Subscriptions by newsletter and state.")
	for _, c := range o.Subscribers {
		fmt.Fprintf(b, "syndicate_subscriptions{newsletter=%s,state=%s} %d\n", label(c.Newsletter), label(string(c.State)), c.Count)
	}
	family("syndicate_suppressions", "gauge", "Addresses that are never mailed.")
	fmt.Fprintf(b, "syndicate_suppressions %d\n", o.Suppressed)
	family("syndicate_issues_open", "gauge", "Issues that can still send something, rehearsals too.")
	fmt.Fprintf(b, "syndicate_issues_open %d\n", len(o.Open))
	family("syndicate_sources_failed", "gauge", "Sources whose last listing failed or is held.")
	failed := 0
	for _, x := range o.Sources {
		if x.Error != "" || x.Held != "" {
			failed++
		}
	}
	fmt.Fprintf(b, "syndicate_sources_failed %d\n", failed)
	family("syndicate_relays_paused", "gauge", "Relays that are paused.")
	fmt.Fprintf(b, "syndicate_relays_paused %d\n", len(o.Relays))
}

func writeHub(b *strings.Builder, family func(name, kind, help string), h store.HubState) {
	for _, x := range []struct {
		name, help string
		n          int
	}{
		{"syndicate_hub_subscriptions", "Subscriptions at the hub of this site.", h.Subscriptions},
		{"syndicate_hub_subscriptions_behind", "Subscriptions whose callback has not got the newest document.", h.Behind},
		{"syndicate_hub_subscriptions_failing", "Subscriptions whose callback failed last.", h.Failing},
		{"syndicate_hub_requests_waiting", "Requests to the hub that are not verified yet.", h.Waiting},
	} {
		family(x.name, "gauge", x.help)
		fmt.Fprintf(b, "%s %d\n", x.name, x.n)
	}
	family("syndicate_hubs_behind", "gauge", "Documents whose change a hub of others was not told of.")
	behind := map[string]int{} // by host: the rest of an address may be a secret
	for _, p := range h.Hubs {
		if u, err := url.Parse(p.Hub); err == nil {
			behind[u.Host] += p.Behind
		}
	}
	for _, host := range slices.Sorted(maps.Keys(behind)) {
		fmt.Fprintf(b, "syndicate_hubs_behind{hub=%s} %d\n", label(host), behind[host])
	}
}

// writeCounts tells of clicks and opens, where any were counted.
func writeCounts(b *strings.Builder, family func(name, kind, help string), totals []store.CountTotal) {
	for _, x := range []struct {
		name, help string
		opens      bool
	}{
		{"syndicate_clicks_total", "Clicks on counted links of issues, but for rehearsals, by newsletter and who seems to have made them.", false},
		{"syndicate_opens_total", "Opens of issues that count them, but for rehearsals, by newsletter and who seems to have opened them.", true},
	} {
		first := true
		for _, t := range totals {
			if t.Opens != x.opens {
				continue
			}
			if first {
				family(x.name, "counter", x.help)
				first = false
			}
			fmt.Fprintf(b, "%s{newsletter=%s,by=%s} %d\n", x.name, label(t.Newsletter), label(string(t.By)), t.N)
		}
	}
}

// label quotes a label's value (Prometheus text format).
func label(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v) + `"`
}
