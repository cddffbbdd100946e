package newsletter_test

import (
	"testing"
	"time"
)

// TestStamp: a stamp is read as it was written, for its use only, and nothing else is one.
func TestStamp(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1)
	at := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	stamp := k.Stamp("form", at)
	if got, ok := k.ReadStamp("form", stamp); !ok || !got.Equal(at) {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := k.ReadStamp("other", stamp); ok {
		t.Error("it is good for another use")
	}
	for i := range stamp {
		for _, forged := range changed(stamp, i, base64URL) {
			if _, ok := k.ReadStamp("form", forged); ok {
				t.Errorf("forged at %d and taken: %q", i, forged)
			}
		}
	}
	for _, bad := range []string{"", ".", stamp + "\n", stamp + "=", "\n" + stamp, stamp[:len(stamp)-1]} {
		if _, ok := k.ReadStamp("form", bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}
