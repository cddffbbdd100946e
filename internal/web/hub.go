package web

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/store"
	"syndicate/internal/websub"
)

// A client asks the hub for no more than hubRequests things within hubRequestsPer.
const (
	hubRequests    = 300
	hubRequestsPer = time.Minute
)

// hubRetry is when a subscriber may come back to a hub that is full.
const hubRetry = time.Hour

// hubPage says to people what this address is for.
func (s *server) hubPage(w http.ResponseWriter, _ *http.Request) error {
	if !s.o.Service.OwnHub() {
		return status(http.StatusNotFound)
	}
	return plainAnswer(w, http.StatusOK, jobs.HubPage+s.site.Title+" (https://www.w3.org/TR/websub/).\n"+
		"Programs post their subscriptions to its feeds here.\n")
}

// askHub takes a subscriber's request (WebSub, section 5.1). Whether it is meant is
// asked at its callback afterwards.
func (s *server) askHub(w http.ResponseWriter, r *http.Request) error {
	if !s.o.Service.OwnHub() {
		return status(http.StatusNotFound)
	}
	client, now := s.client(r), s.now()
	if wait, over := s.asked.over(client, now); over {
		return s.hubFull(w, wait, "too many requests from this address")
	}
	s.asked.add(client, now)
	if err := form(r); err != nil {
		return err
	}
	if unnamed(client) { // what it may have is not to be used up for all
		client = netip.Addr{}
	}
	err := s.o.Service.AskHub(r.Context(), r.PostForm, client)
	var refusal *websub.Refusal
	switch {
	case errors.As(err, &refusal):
		return plainAnswer(w, http.StatusBadRequest, refusal.Reason+"\n")
	case errors.Is(err, store.ErrNotFound):
		return plainAnswer(w, http.StatusNotFound, "hub.topic is no feed of this site: this hub has no others\n")
	case errors.Is(err, store.ErrLimit):
		return s.hubFull(w, hubRetry, "this hub takes no more subscriptions of yours for now")
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *server) hubFull(w http.ResponseWriter, wait time.Duration, reason string) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	return plainAnswer(w, http.StatusTooManyRequests, reason+"\n")
}

// plainAnswer answers a program, and whoever looks at what it does.
func plainAnswer(w http.ResponseWriter, code int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, err := io.WriteString(w, text)
	return err
}
