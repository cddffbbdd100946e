package main

import (
	"fmt"
	"strings"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

// countsCaveat says, line by line, what counts of visits are worth.
var countsCaveat = []string{
	"These are visits, not people: one reader may come often, and forwarded mail counts too.",
	"Programs that pretend to be browsers count as people. Readers behind an image proxy, or",
	"whose mail program loads no images, do not count as people that opened it.",
}

// machineNames are the kinds of machines for people, in the order in which they are shown.
var machineNames = []struct {
	kind newsletter.Visitor
	name string
}{
	{newsletter.VisitorScanner, "scanners and other programs"},
	{newsletter.VisitorAtOnce, "in the first minute"},
	{newsletter.VisitorApple, "Apple’s image proxy"},
	{newsletter.VisitorGmail, "Gmail’s image proxy"},
	{newsletter.VisitorYahoo, "Yahoo’s image proxy"},
}

// countsView is what was counted, in JSON.
type countsView struct {
	Note   string            `json:"note"`
	Clicks *jobs.Visits      `json:"clicks,omitempty"` // on all links
	Links  []jobs.LinkVisits `json:"links,omitempty"`
	Opens  *jobs.Visits      `json:"opens,omitempty"`
}

func viewCounts(r *jobs.CountsReport) *countsView {
	if r == nil {
		return nil
	}
	v := &countsView{Note: strings.Join(countsCaveat, " "), Links: r.Links}
	if r.Counted.Clicks {
		v.Clicks = &r.Clicks
	}
	if r.Counted.Opens {
		v.Opens = &r.Opens
	}
	return v
}

// showCounts tells of clicks and opens.
func (s *site) showCounts(r *jobs.CountsReport) {
	if r == nil {
		return
	}
	s.printf("\nclicks and opens\n")
	var rows [][]string
	for _, x := range []struct {
		what    string
		counted bool
		jobs.Visits
	}{{"  opens", r.Counted.Opens, r.Opens}, {"  clicks", r.Counted.Clicks, r.Clicks}} {
		if x.counted {
			rows = append(rows, []string{x.what, number(int(x.People)) + " by people, as far as can be told", machines(x.Visits)})
		}
	}
	s.table(nil, rows)
	if len(r.Links) > 0 {
		s.printf("\n")
		rows = rows[:0]
		for _, l := range r.Links {
			rows = append(rows, []string{number(int(l.People)), number(int(l.Machines)), plain(l.Title)})
		}
		s.table([]string{"by people", "by machines", "article"}, rows)
	}
	s.printf("%s\n", strings.Join(countsCaveat, "\n"))
}

// machines writes how many visits were those of machines, and of which.
func machines(v jobs.Visits) string {
	text, kinds := number(int(v.Machines))+" by machines", ""
	for _, m := range machineNames {
		if n := v.Kinds[m.kind]; n > 0 {
			kinds = join(", ", kinds, m.name+" "+number(int(n)))
		}
	}
	if kinds != "" {
		text += fmt.Sprintf(" (%s)", kinds)
	}
	return text
}
