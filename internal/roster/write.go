package roster

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Writer writes a list that NewImport reads back without a loss.
type Writer struct{ csv *csv.Writer }

// written are the columns of Writer.
func written() []string {
	return []string{
		"email", "name", "language", "topics", "time_zone", "newsletter", "state", "suppressed", "cadence", "hour", "max_items", "paused_until",
		"by_feed", "set_by_owner", "consent_at", "consent_source", "proof", "left_at", "left_by", "created_at", "source",
	}
}

// NewWriter writes the header.
func NewWriter(w io.Writer) (*Writer, error) {
	x := &Writer{csv.NewWriter(w)}
	return x, x.csv.Write(written())
}

// Write adds one subscription, with the cause for which its address is suppressed,
// if it is. A cell that a spreadsheet would run as a formula gets an apostrophe.
func (w *Writer) Write(s *newsletter.Subscription, suppressed newsletter.Cause) error {
	hour, items := "", ""
	if s.Hour >= 0 {
		hour = strconv.Itoa(s.Hour)
	}
	if s.MaxItems > 0 {
		items = strconv.Itoa(s.MaxItems)
	}
	byFeed := ""
	if s.ByFeed {
		byFeed = "true"
	}
	source, proof := Consent(s)
	row := []string{
		s.Subscriber.Email, s.Subscriber.Name, s.Subscriber.Language, strings.Join(s.Topics, "|"), s.Subscriber.TimeZone, s.Newsletter,
		string(s.State), string(suppressed), string(s.Cadence), hour, items, moment(s.PausedTill),
		byFeed, strings.Join(s.SetByOwner, "|"), moment(s.ConsentAt), source, proof, moment(s.LeftAt), s.LeftBy, moment(s.CreatedAt), s.Source,
	}
	for i, c := range row {
		if formula(c) {
			row[i] = "'" + c
		}
	}
	return w.csv.Write(row)
}

// Close writes what is still buffered.
func (w *Writer) Close() error {
	w.csv.Flush()
	return w.csv.Error()
}

// originKey is where the proof of an imported subscription keeps the source that an
// export named.
const originKey = "consent_source"

// Consent returns the source of a subscription's consent and its proof (JSON, empty:
// none): of one that came by an export of Syndicate, those of before.
func Consent(s *newsletter.Subscription) (source, proof string) {
	source, proof = s.Source, s.Proof
	if proof == "{}" {
		proof = ""
	}
	if !strings.HasPrefix(source, "import ") || proof == "" {
		return source, proof
	}
	var fields map[string]json.RawMessage
	var origin string
	if json.Unmarshal([]byte(proof), &fields) != nil || json.Unmarshal(fields[originKey], &origin) != nil {
		return source, proof
	}
	delete(fields, originKey)
	if len(fields) == 0 {
		return origin, ""
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return source, proof
	}
	return origin, string(b)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
