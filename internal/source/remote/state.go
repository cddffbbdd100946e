package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source"
)

// state is what a visit remembers for the next one, as JSON.
type state struct {
	Version int             `json:"version"`
	Config  string          `json:"config"`           // what the operator said of the articles
	Memory  json.RawMessage `json:"memory,omitempty"` // the Reader's

	Asked     time.Time `json:"asked,omitzero"`      // last, answered or not
	Answered  time.Time `json:"answered,omitzero"`   // last
	Due       time.Time `json:"due,omitzero"`        // the next visit
	NotBefore time.Time `json:"not_before,omitzero"` // the place asked for that
	Failures  int       `json:"failures,omitempty"`  // since it answered last
	Failing   time.Time `json:"failing,omitzero"`    // since when
	Error     string    `json:"error,omitempty"`     // of the last visit
	Final     bool      `json:"final,omitempty"`     // that will not mend itself

	Held      string    `json:"held,omitempty"` // see Listing
	HeldCount int       `json:"held_count,omitempty"`
	HeldSince time.Time `json:"held_since,omitzero"`

	Window   int              `json:"window"`             // items of the last answer of which nothing was held
	Shaky    bool             `json:"shaky,omitempty"`    // its ids do not last: the links say what is what
	Shared   []string         `json:"shared,omitempty"`   // ids that several items had
	Deleted  []string         `json:"deleted,omitempty"`  // keys that the place deleted, and nobody accepted yet
	Problems []source.Problem `json:"problems,omitempty"` // of the last answer
	Known    []known          `json:"known,omitempty"`    // articles, those of the last answer first
}

// known is what is remembered of an article.
type known struct {
	Key   string    `json:"key"`
	ID    string    `json:"id,omitempty"`    // the place's id, if it is not Key
	Link  string    `json:"link,omitempty"`  // by alike; see address.go
	Text  uint64    `json:"text,omitempty"`  // hash of the beginning of its text, 0: too little to tell
	Title uint64    `json:"title,omitempty"` // hash of title and date, 0: likewise
	Hash  uint64    `json:"hash,omitempty"`  // of all that was emitted, 0: not yet
	First time.Time `json:"first"`           // when it was seen first
	Old   bool      `json:"old,omitempty"`   // news to nobody when it came
	Tries int       `json:"tries,omitempty"` // to complete it that failed
}

func (k *known) id() string {
	if k.ID != "" {
		return k.ID
	}
	return k.Key
}

const stateVersion = 1

// rememberedMore is how many articles are remembered that a feed shows no more.
const rememberedMore = 2000

// decodeState reads a state. What cannot be understood is a new state and a
// sentence that says so.
func decodeState(data []byte) (*state, string) {
	st := &state{Version: stateVersion}
	if len(data) == 0 {
		return st, ""
	}
	if err := json.Unmarshal(data, st); err != nil || st.Version != stateVersion {
		return &state{Version: stateVersion}, "what was remembered of this source cannot be understood; it is read as if for the first time"
	}
	return st, ""
}

func (st *state) encode() ([]byte, error) {
	data, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("remembering a source: %w", err)
	}
	return data, nil
}

// clone copies what a visit changes.
func (st *state) clone() *state {
	c := *st
	c.Known, c.Shared, c.Deleted = slices.Clone(st.Known), slices.Clone(st.Shared), slices.Clone(st.Deleted)
	return &c
}

// pending reports whether articles wait to be completed.
func (st *state) pending() bool {
	return slices.ContainsFunc(st.Known, func(k known) bool { return k.Hash == 0 })
}

// forget drops the articles that are gone, but for those to be kept.
func (st *state) forget(gone, keep []string) {
	st.Deleted = slices.Clone(keep)
	st.Known = slices.DeleteFunc(st.Known, func(k known) bool {
		return slices.Contains(gone, k.Key) && !slices.Contains(keep, k.Key)
	})
}

// lasting is how long a place that once answered may fail before it counts as broken.
const lasting = 24 * time.Hour

// passing reports whether a failure may be over soon: the place answered once, and has
// not failed for long.
func (st *state) passing(now time.Time) bool {
	return !st.Answered.IsZero() && !st.Final && now.Sub(st.Failing) < lasting
}

// isFinal reports whether a failure will last until somebody does something.
func isFinal(err error) bool {
	var status *fetch.StatusError
	return errors.Is(err, fetch.ErrPrivate) || errors.Is(err, fetch.ErrAddress) || errors.As(err, &status) && status.Code == http.StatusGone
}

// Failing returns since when a source fails by its state, and how often it did; 0: it
// does not.
func Failing(data []byte) (since time.Time, times int) {
	st, _ := decodeState(data)
	return st.Failing, st.Failures
}

// Memory returns the Reader's part of a source's state, nil: none.
func Memory(data []byte) json.RawMessage {
	st, _ := decodeState(data)
	return st.Memory
}

// addShared remembers ids that tell nothing, the last some hundred of them.
func (st *state) addShared(ids map[string]bool) {
	const most = 500
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if !slices.Contains(st.Shared, id) {
			st.Shared = append(st.Shared, id)
		}
	}
	st.Shared = st.Shared[max(0, len(st.Shared)-most):]
}
