package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// gaugeCache keeps the store's last overview.
type gaugeCache struct {
	mu   sync.Mutex
	at   time.Time
	last store.Overview
}

func (g *gaugeCache) get(ctx context.Context, s *store.Store, now time.Time) (store.Overview, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := now.Sub(g.at); age >= 0 && age < gaugesFor {
		return g.last, nil
	}
	o, err := s.Overview(ctx)
	if err == nil {
		g.at, g.last = now, o
	}
	return o, err
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

	o, err := s.gauges.get(r.Context(), s.store, s.now())
	family("syndicate_store_up", "gauge", "Whether the store answers.")
	if err != nil {
		fmt.Fprintln(&b, "syndicate_store_up 0")
	} else {
		fmt.Fprintln(&b, "syndicate_store_up 1")
		writeOverview(&b, family, o)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.Write([]byte(b.String()))
	return nil
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
	family("syndicate_issues_open", "gauge", "Issues that can still send something.")
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

// label quotes a label's value (Prometheus text format).
func label(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v) + `"`
}
