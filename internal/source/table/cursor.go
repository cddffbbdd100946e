package table

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// kind is what a cursor counts with.
type kind string

const (
	asTime   kind = "time"
	asNumber kind = "number"
	asText   kind = "text" // which is a time or a number written down
)

const (
	behind = 1000           // how much lower :since is than a number
	ahead  = 24 * time.Hour // by which a time may seem to be in the future
)

// mark is the highest value of the cursor that was seen.
type mark struct {
	Kind   kind      `json:"kind,omitempty"` // empty: none yet
	Time   time.Time `json:"time,omitzero"`
	Number int64     `json:"number,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// kindOf is the kind of a column, by the database's name of its type.
func kindOf(column string) kind {
	column = strings.ToUpper(column)
	switch {
	case strings.HasPrefix(column, "TIMESTAMP"), strings.HasPrefix(column, "DATE"):
		return asTime
	case strings.Contains(column, "INT"), column == "NUMERIC", column == "DECIMAL":
		return asNumber
	}
	return asText
}

// lowestOf is lower than every value that there may be.
func lowestOf(k kind) any {
	switch k {
	case asTime:
		return time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	case asNumber:
		return int64(math.MinInt64)
	}
	return ""
}

var errCursor = errors.New("is neither a time nor a whole number")

// raise moves the mark up to a value. A time far in the future does not move it: it
// would hide every change until then.
func (m *mark) raise(v any, now time.Time) error {
	switch v := v.(type) {
	case nil:
		return nil
	case time.Time:
		if (m.Kind != asTime || v.After(m.Time)) && v.Before(now.Add(ahead)) {
			*m = mark{Kind: asTime, Time: v}
		}
		return nil
	case int64:
		if m.Kind != asNumber || v > m.Number {
			*m = mark{Kind: asNumber, Number: v}
		}
		return nil
	case []byte:
		return m.raise(string(v), now)
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return m.raise(n, now)
		}
		at, err := readStamp(v)
		if err != nil {
			return fmt.Errorf("its value %.40q %w", v, errCursor)
		}
		if (m.Kind != asText || v > m.Text) && at.Before(now.Add(ahead)) { // as the database compares it
			*m = mark{Kind: asText, Text: v}
		}
		return nil
	}
	return fmt.Errorf("its value %v %w", v, errCursor)
}

// stampLayout is how times are written down in text, but for the T that may stand
// between, and for what may follow.
const stampLayout = "2006-01-02 15:04:05"

func readStamp(s string) (time.Time, error) {
	if len(s) == len(time.DateOnly) {
		return time.Parse(time.DateOnly, s)
	}
	if len(s) < len(stampLayout) || s[10] != ' ' && s[10] != 'T' {
		return time.Time{}, errCursor
	}
	return time.Parse(stampLayout, s[:10]+" "+s[11:len(stampLayout)])
}

// since is what :since stands for: lower than the mark, by what may have been written
// before it and committed later.
func (m *mark) since(overlap time.Duration, e engine) any {
	switch m.Kind {
	case asTime:
		if e == sqlite { // which keeps times as text
			return m.Time.Add(-overlap).Format(stampLayout)
		}
		return m.Time.Add(-overlap)
	case asNumber:
		return max(m.Number, math.MinInt64+behind) - behind
	}
	at, err := readStamp(m.Text)
	if err != nil { // it was read when it was remembered
		return ""
	}
	at = at.Add(-overlap)
	if len(m.Text) == len(time.DateOnly) {
		return at.Format(time.DateOnly)
	}
	text := at.Format(stampLayout)
	return text[:10] + m.Text[10:11] + text[11:]
}

// bind puts the engine's own parameters in the place of :since, and tells how many
// values they take. Text in quotes, comments and casts (::date) stay as they are.
func bind(query string, e engine) (text string, times int) {
	var b strings.Builder
	for i := 0; i < len(query); {
		n := 1
		switch c := query[i]; {
		case c == '\'' || c == '"' || c == '`':
			n = quoted(query[i:], c, e)
		case strings.HasPrefix(query[i:], "--"), c == '#' && e == mariadb:
			n = upTo(query[i:], "\n")
		case strings.HasPrefix(query[i:], "/*"):
			n = upTo(query[i:], "*/")
		case strings.HasPrefix(query[i:], "::"):
			n = 2
		case isSince(query[i:]):
			times++
			if i += len(sinceName); e == postgres {
				b.WriteString("$1")
			} else {
				b.WriteByte('?')
			}
			continue
		}
		b.WriteString(query[i : i+n])
		i += n
	}
	if e == postgres {
		times = min(times, 1)
	}
	return b.String(), times
}

const sinceName = ":since"

func isSince(s string) bool {
	if len(s) < len(sinceName) || !strings.EqualFold(s[:len(sinceName)], sinceName) {
		return false
	}
	if len(s) == len(sinceName) {
		return true
	}
	next := s[len(sinceName)]
	return next != '_' && (next < '0' || next > '9') && (next|0x20 < 'a' || next|0x20 > 'z')
}

// quoted is the length of the quoted text at the beginning of s.
func quoted(s string, quote byte, e engine) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && e == mariadb && quote != '`':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

func upTo(s, end string) int {
	if i := strings.Index(s[min(2, len(s)):], end); i >= 0 {
		return min(2, len(s)) + i + len(end)
	}
	return len(s)
}
