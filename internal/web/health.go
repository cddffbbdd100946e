package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// healthz says that the process answers and which site it is: syndicate check
// asks it whether web.url leads here.
func (s *server) healthz(w http.ResponseWriter, r *http.Request) error {
	return answerJSON(w, http.StatusOK, map[string]any{"ok": true, "site": s.site.ID})
}

// readyz says whether the store answers.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.Any("error", err))
		return answerJSON(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "store": "does not answer"})
	}
	return answerJSON(w, http.StatusOK, map[string]any{"ready": true})
}

func answerJSON(w http.ResponseWriter, code int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	w.Write(append(b, '\n'))
	return nil
}
