// Package dkimpy verifies DKIM signatures by dkimpy (Debian's python3-dkim), which
// shares no line with what signs here.
package dkimpy

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"syndicate/internal/test"
)

//go:embed verify.py
var script string

// Result is what dkimpy says of one signature.
type Result struct {
	Good     bool   `json:"good"`
	Selector string `json:"selector"`
	Why      string `json:"why"` // it is not
}

// Verifier is a Python that has dkimpy.
type Verifier struct{ python string }

// Find looks for a Python that has it and PyNaCl, which it needs for Ed25519; it
// skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Verifier {
	t.Helper()
	python, err := test.Python(t.Context(), "dkim, nacl")
	if err != nil {
		test.Missing(t, "dkimpy", err)
	}
	return &Verifier{python}
}

// Verify verifies each signature of each message; records are the DNS, by name
// without a dot at its end.
func (v *Verifier) Verify(ctx context.Context, messages [][]byte, records map[string]string) (results [][]Result, err error) {
	input, err := json.Marshal(map[string]any{"messages": messages, "records": records})
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, v.python, "-c", script)
	c.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	output, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("dkimpy: %w\n%s", err, complaints.Bytes())
	}
	return results, json.Unmarshal(output, &results)
}
