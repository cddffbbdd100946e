package jobs

import (
	"log/slog"
	"strings"
	"testing"
)

// TestLookingPanics: a message over which looking for addresses panics is not kept, and
// ends nothing; what is logged of the panic names nobody.
func TestLookingPanics(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Service{log: slog.New(slog.NewTextHandler(&log, nil))}
	for want, look := range map[string]func([]byte) ([]string, bool){
		"index out of range":         func(b []byte) ([]string, bool) { end := len(b); return []string{string(b[end])}, true },
		"a value that is not logged": func([]byte) ([]string, bool) { panic("ann@example.org") },
	} {
		log.Reset()
		if kept, names := s.keptMessage([]byte("Subject: x\r\n\r\n"), look); kept != nil || names != nil {
			t.Errorf("%q, %q", kept, names)
		}
		if got := log.String(); !strings.Contains(got, want) || strings.Contains(got, "ann@example.org") {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
