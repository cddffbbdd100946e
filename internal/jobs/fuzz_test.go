package jobs_test

import (
	"testing"
	"time"

	"syndicate/internal/jobs"
)

// FuzzSchedule: a schedule is refused, or its times follow each other, whatever the
// clocks do.
func FuzzSchedule(f *testing.F) {
	f.Add("0 7 * * MON", int64(1_774_746_000))
	f.Add("30 2 * 3,10 SUN", int64(1_774_746_000)) // the night of the change
	f.Add("*/7 */5 29 2 *", int64(-1))
	f.Add("@weekly", int64(1<<33))
	f.Add("0 0 31 2,4,6,9,11 *", int64(0))
	f.Add("59-1 24 0 13 8", int64(0))
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, spec string, from int64) {
		s, err := jobs.ParseSchedule(spec, zone)
		if err != nil {
			return
		}
		at := time.Unix(from%4_000_000_000, 0)
		for range 3 {
			due, ok := s.Next(at)
			if !ok {
				return
			}
			if !due.At.After(at) || due.Local == "" {
				t.Fatalf("%q: after %s comes %+v", spec, at, due)
			}
			at = due.At
		}
	})
}
