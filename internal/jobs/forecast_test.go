package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestForecast: a dry run, and an issue under way, take as long as the limit that
// takes longest; what stands by is no capacity.
func TestForecast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	for domain, n := range map[string]int{"big.example": 60, "gmail.com": 30, "small.example": 10} {
		for i := range n {
			line := newsletter.Line{Email: fmt.Sprintf("r%d@%s", i, domain)}
			if _, err := s.store.AddSubscriber(t.Context(), "weekly", line, "cli", s.clock.now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	relay := func(name string, weight int, rate float64, warm newsletter.WarmUp) mailer.Relay {
		r := nobodyHome(t)
		r.Name, r.Weight, r.Rate, r.WarmUp = name, weight, rate, warm
		return r
	}
	var none newsletter.WarmUp
	young := newsletter.WarmUp{From: s.clock.now(), First: 20, Growth: 2}
	midnight := 18 * time.Hour // from the clock's six in the morning
	groups := map[string]jobs.GroupLimit{"big.example": {Rate: 2}, "gmail": {Rate: 0.5}, "nobody.example": {Rate: 0.001}}
	for _, c := range []struct {
		name   string
		relays []mailer.Relay
		groups map[string]jobs.GroupLimit
		want   string
	}{
		{"one stands by", []mailer.Relay{relay("a", 0, 10, none), relay("b", 0, 1000, none)}, nil, "10s relays"},
		{"shares", []mailer.Relay{relay("a", 1, 10, none), relay("b", 3, 40, none), relay("c", 0, 1000, none)}, nil, "2s relays"},
		{"one has no rate", []mailer.Relay{relay("a", 1, 10, none), relay("b", 1, 0, none)}, nil, ""},
		{"groups", []mailer.Relay{relay("a", 0, 10, none)}, groups, "10s relays, 1m0s gmail"},
		{"warm-up", []mailer.Relay{relay("a", 1, 0, young), relay("b", 1, 0, young)}, nil, midnight.String() + " relays"},
		{"two days", []mailer.Relay{relay("a", 0, 0, young)}, nil, (midnight + 24*time.Hour).String() + " relays"},
		{"beside a warm-up", []mailer.Relay{relay("a", 1, 0, young), relay("b", 0, 0, none)}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := s.service(withRelay(c.relays...), func(o *jobs.Options) { o.Delivery.Groups = c.groups })
			d, err := v.DryRun(t.Context(), "weekly")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range d.Speeds {
				by := strings.Fields(x.By)
				got = append(got, x.Took.String()+" "+by[len(by)-1])
				if !x.Most {
					t.Errorf("%+v is no limit", x)
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}

	s.run(s.service(withRelay(relay("a", 0, 0, none)), func(o *jobs.Options) { o.Delivery.SealBatch = 1000 }))
	v := s.service(withRelay(relay("a", 0, 10, none)), func(o *jobs.Options) { o.Delivery.Groups = groups })
	open, err := s.store.Issues(t.Context(), store.IssueQuery{Open: true})
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	d, err := v.Inspect(t.Context(), open[0].ID)
	if err != nil || d.Estimate.Left != time.Minute || d.Estimate.By != "from the rate of gmail, at best" {
		t.Errorf("%+v, %v", d.Estimate, err)
	}
}
