package web

import (
	"errors"
	"io"
	"net/http"

	"syndicate/internal/store"
	"syndicate/internal/websub"
)

// maxPush bounds a document that a hub sends, in bytes. It is only read to verify
// its signature.
const maxPush = 16 << 20

// pushPath is where the callbacks are that this site gives to hubs.
const pushPath = "/websub/"

// answerHub answers a hub that wants to know whether this site meant to subscribe.
func (s *server) answerHub(w http.ResponseWriter, r *http.Request) error {
	challenge, err := s.o.Service.AnswerHub(r.Context(), r.PathValue("token"), r.URL.Query())
	var refusal *websub.Refusal
	switch {
	case errors.As(err, &refusal):
		return plainAnswer(w, http.StatusBadRequest, refusal.Reason+"\n")
	case errors.Is(err, store.ErrNotFound):
		return plainAnswer(w, http.StatusNotFound, "this site did not ask for that\n")
	case err != nil:
		return err
	}
	return plainAnswer(w, http.StatusOK, challenge)
}

// pushed takes what a hub sends. One that signs it as agreed has told of a change;
// what others send is answered alike and has no effect (WebSub, section 8).
func (s *server) pushed(w http.ResponseWriter, r *http.Request) error {
	p, err := s.o.Service.PushOf(r.Context(), r.PathValue("token"))
	if errors.Is(err, store.ErrNotFound) {
		return plainAnswer(w, http.StatusGone, "nobody here wants that any more\n")
	}
	if err != nil {
		return err
	}
	check, err := websub.NewCheck(r.Header.Get(websub.SignatureHeader), p.Secret)
	if err == nil {
		if _, err = io.Copy(check, r.Body); err != nil {
			return err
		}
	}
	if err == nil && check.OK() {
		err = s.o.Service.Pushed(r.Context(), p)
	} else {
		s.log.DebugContext(r.Context(), "push with a wrong signature", "source", p.Source)
		err = nil
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
