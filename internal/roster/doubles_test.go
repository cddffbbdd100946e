package roster_test

import (
	"fmt"
	"testing"

	"syndicate/internal/roster"
)

// Doubles are found in any number of runs, also of one address again and again.
func TestDoubles(t *testing.T) {
	t.Parallel()
	for _, run := range []int{3, 7, 1000} {
		d := roster.NewDoublesOf(run)
		const n = 100
		want := map[int]int{}
		for line := 2; line < n; line++ {
			of := line
			if line%5 == 0 {
				of = 2 + line%3
			}
			if of != line {
				want[line] = of
			}
			email := fmt.Sprintf("P%d@example.org", of)
			if line%2 == 0 {
				email = fmt.Sprintf("p%d@EXAMPLE.org", of)
			}
			if err := d.Add(email, line, line%4); err != nil {
				t.Fatal(err)
			}
		}
		err := d.Each(func(line, first, tag int) {
			if want[line] != first || tag != line%4 {
				t.Errorf("runs of %d: line %d is that of %d with %d, want %d", run, line, first, tag, want[line])
			}
			delete(want, line)
		})
		if err != nil || len(want) > 0 {
			t.Errorf("runs of %d: %v, not found: %v", run, err, want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
