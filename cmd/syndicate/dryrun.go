package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"syndicate/internal/jobs"
)

// dryRunDir is where a dry run writes its messages, in the site folder.
const dryRunDir = "data/dry-run"

type dryRunView struct {
	previewView
	Domains []jobs.DomainCount `json:"domains"`
	Bytes   int                `json:"message_bytes"`
	Speeds  []speedView        `json:"speeds"` // how long it would take, from what is known
}

type speedView struct {
	Rate    float64 `json:"rate"` // messages a second
	From    string  `json:"from"`
	AtLeast bool    `json:"at_least"` // by a limit: it can take longer
	Seconds int     `json:"seconds"`
}

// dryRun says what would be sent, and writes it to files.
func (s *site) dryRun(ctx context.Context, name, out string) error {
	if err := known(s.cfg, name); err != nil {
		return err
	}
	d, err := s.service.DryRun(ctx, name)
	if err != nil {
		return err
	}
	files, err := s.writeMessages(d, out)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(viewDryRun(d, files))
	}
	s.tellFresh(ctx)
	if d.Preview.Nothing != "" {
		s.tellNothing(d.Preview)
		return nil
	}
	s.tellPreview(d.Preview)
	by := "the catcher on this machine (a rehearsal)"
	if !s.service.Rehearsal() {
		by = relayNames(s.cfg)
	}
	rows := [][]string{
		{"receivers", domainsLine(d.Domains)},
		{"message", size(len(d.Messages[0]))},
		{"by", by},
	}
	for k, line := range speedLines(d.Speeds) {
		rows = append(rows, []string{map[bool]string{true: "time"}[k == 0], line})
	}
	for k, f := range files {
		rows = append(rows, []string{map[bool]string{true: "files"}[k == 0], shown(f)})
	}
	s.table(nil, rows)
	s.printf("\nNothing was sent.\n")
	return nil
}

func viewDryRun(d jobs.DryRun, files []string) dryRunView {
	v := dryRunView{previewView: viewPreview(d.Preview), Domains: append([]jobs.DomainCount{}, d.Domains...), Speeds: []speedView{}}
	if len(d.Messages) > 0 {
		v.Bytes = len(d.Messages[0])
	}
	v.Files = files
	for _, x := range d.Speeds {
		v.Speeds = append(v.Speeds, speedView{Rate: x.Rate, From: x.By, AtLeast: x.Most, Seconds: int(x.Took.Seconds() + 0.5)})
	}
	return v
}

// writeMessages writes one file for each digest and returns their names. Our own
// folder holds the latest dry run only.
func (s *site) writeMessages(d jobs.DryRun, out string) ([]string, error) {
	if len(d.Messages) == 0 {
		return nil, nil
	}
	newsletter := d.Preview.Newsletter.Name
	if out == "" {
		own, err := absolute(s.cfg, dryRunDir)
		if err != nil {
			return nil, err
		}
		out = filepath.Join(own, newsletter)
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	files := make([]string, len(d.Messages))
	var failed error
	for k, m := range d.Messages {
		files[k] = filepath.Join(out, fmt.Sprintf("%s-%d-%s.eml", newsletter, k+1, d.Preview.Groups[k].Language))
		failed = errors.Join(failed, os.WriteFile(files[k], m, 0o644))
	}
	return files, failed
}

func domainsLine(domains []jobs.DomainCount) string {
	var list []string
	for i, dom := range domains {
		if i == 8 {
			list = append(list, fmt.Sprintf("%d more", len(domains)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s %s", dom.Domain, number(dom.Count)))
	}
	return strings.Join(list, ", ")
}

// speedLines say how long it would take, and how that is known.
func speedLines(speeds []jobs.Speed) []string {
	if len(speeds) == 0 {
		return []string{"not known: nothing limits it, and no issue was large enough to be measured"}
	}
	lines := make([]string, len(speeds))
	for k, x := range speeds {
		how := "about "
		if x.Most {
			how = "at least "
		}
		lines[k] = how + duration(x.Took) + ", by " + x.By
		if x.Rate > 0 {
			lines[k] += fmt.Sprintf(" (%s/s)", rate(x.Rate))
		}
	}
	return lines
}
