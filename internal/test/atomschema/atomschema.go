// Package atomschema checks Atom documents against RELAX NG schemas, with jing (of
// Debian's package of that name): the schema of RFC 4287, and ours, which closes what
// that one leaves open to extensions.
package atomschema

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"syndicate/internal/test"
)

//go:embed rfc4287.rnc
var published []byte

//go:embed ours.rnc
var ours []byte

// Jing is a validator with the schemas.
type Jing struct{ program, dir string }

// Find looks for jing; it skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Jing {
	t.Helper()
	program, err := exec.LookPath("jing")
	if err != nil {
		test.Missing(t, "jing", err)
	}
	j := &Jing{program, t.TempDir()}
	for name, schema := range map[string][]byte{"rfc4287.rnc": published, "ours.rnc": ours} {
		if err := os.WriteFile(filepath.Join(j.dir, name), schema, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// Check says what of the files is not as the schemas want it. It starts jing once a
// schema, which takes a second: bring many files at once.
func (j *Jing) Check(ctx context.Context, files ...string) error {
	if len(files) == 0 {
		return errors.New("no Atom documents to check")
	}
	var problems []error
	for _, schema := range []string{"rfc4287.rnc", "ours.rnc"} {
		c := exec.CommandContext(ctx, j.program, append([]string{"-c", filepath.Join(j.dir, schema)}, files...)...)
		var found, complaints bytes.Buffer
		c.Stdout, c.Stderr = &found, &complaints
		if err := c.Run(); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w\n%s%s", schema, err, found.Bytes(), complaints.Bytes()))
		}
	}
	return errors.Join(problems...)
}
