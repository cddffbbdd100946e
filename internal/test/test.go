// Package test has what tests of several rooms share. The packages below it start
// real programs of the machine: what the tests are worth lies in their being real.
package test

import (
	"os"
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
