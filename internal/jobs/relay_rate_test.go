package jobs_test

import (
	"testing"
	"time"

	"syndicate/internal/jobs"
)

// TestThrottle: slots are a fixed time apart, whoever asks and however often.
func TestThrottle(t *testing.T) {
	t.Parallel()
	const rate = 50.0
	x := jobs.NewThrottle(rate)
	start := time.Now()
	for n := range 100 {
		wait, ok := x.Reserve(time.Hour)
		if !ok {
			t.Fatal("no slot within an hour")
		}
		slot := time.Since(start) + wait
		if least := time.Duration(float64(n) / rate * float64(time.Second)); slot < least {
			t.Fatalf("slot %d is %v after the start, before %v", n, slot, least)
		}
	}
	before, ok := x.Reserve(0)
	if ok || before <= 0 {
		t.Errorf("a slot at once after a hundred: %v, %v", before, ok)
	}
	if wait, ok := x.Reserve(time.Hour); !ok || wait > before {
		t.Errorf("a refused reservation took a slot: %v, then %v", before, wait)
	}
	if wait, ok := jobs.NewThrottle(0).Reserve(0); !ok || wait != 0 {
		t.Errorf("no limit: %v, %v", wait, ok)
	}
}
