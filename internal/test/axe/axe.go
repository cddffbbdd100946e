// Package axe looks in Chromium for what keeps people out of a page, with axe-core
// (https://github.com/dequelabs/axe-core). AXE names its script, axe.min.js of the npm
// package axe-core; `.ci/run` fetches it.
package axe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"syndicate/internal/test"
)

// Axe is axe-core.
type Axe struct{ script string }

// Find reads it; it skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Axe {
	t.Helper()
	err := errors.New("AXE names no axe.min.js of the npm package axe-core")
	var script []byte
	if path := os.Getenv("AXE"); path != "" {
		script, err = os.ReadFile(path)
	}
	if err != nil {
		test.Missing(t, "axe", err)
	}
	return &Axe{string(script)}
}

// Violation is what a page does wrong.
type Violation struct {
	Rule   string `json:"id"`
	Impact string `json:"impact"` // minor, moderate, serious or critical
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.Rule, v.Impact, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n\t%s\n\t%s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n\t"))
	}
	return b.String()
}

// Check looks at the page that a tab shows, by all rules but those named. Scripts must
// be switched on.
func (a *Axe) Check(tab context.Context, without ...string) ([]Violation, error) {
	loaded, err := chromedp.Run(tab, chromedp.Evaluate[bool]("typeof axe === 'object'"))
	if err == nil && !loaded {
		_, err = chromedp.Run(tab, chromedp.Evaluate[bool](a.script+"\n;typeof axe === 'object'"))
	}
	if err != nil {
		return nil, fmt.Errorf("putting axe-core into the page: %w", err)
	}
	rules := map[string]map[string]bool{}
	for _, rule := range without {
		rules[rule] = map[string]bool{"enabled": false}
	}
	options, err := json.Marshal(map[string]any{"resultTypes": []string{"violations"}, "preload": false, "rules": rules})
	if err != nil {
		return nil, err
	}
	found, err := chromedp.Run(tab, chromedp.Evaluate[string](fmt.Sprintf(
		"axe.run(document, %s).then(r => JSON.stringify({ran: r.passes.length + r.violations.length, found: r.violations}))", options,
	), chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("axe-core: %w", err)
	}
	var result struct {
		Ran   int         `json:"ran"`
		Found []Violation `json:"found"`
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil {
		return nil, fmt.Errorf("axe-core: %w", err)
	}
	if result.Ran < 5 {
		return nil, fmt.Errorf("axe-core had only %d rules to look by", result.Ran)
	}
	return result.Found, nil
}
