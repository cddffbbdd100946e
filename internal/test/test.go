// Package test has what tests of several rooms share. The packages below it start
// real programs of the machine: what the tests are worth lies in their being real.
package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Missing skips the test because the machine lacks something, or fails it where
// SYNDICATE_TEST_REQUIRE, a list with commas, names it. why says what is missing.
func Missing(t testing.TB, name string, why error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("SYNDICATE_TEST_REQUIRE"), ","), name) {
		t.Fatalf("%s is required: %v", name, why)
	}
	t.Skipf("no %s: %v", name, why)
}

// Python returns a Python that has the modules.
func Python(ctx context.Context, modules string) (string, error) {
	var problems []error
	for _, python := range []string{"python3", "/usr/bin/python3"} { // the first may be one of its own, without Debian's packages
		out, err := exec.CommandContext(ctx, python, "-c", "import "+modules).CombinedOutput()
		if err == nil {
			return python, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w %s", python, err, bytes.TrimSpace(out)))
	}
	return "", errors.Join(problems...)
}
