package roster

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// said is what another program knows of a consent. Times that could be read are
// in RFC 3339, others are as they stood there; of IP addresses the network is kept.
type said struct { // keys are sorted, as in the proof of an export that came back
	ConfirmedAt string `json:"confirmed_at,omitempty"`
	ConfirmedIP string `json:"confirmed_ip,omitempty"`
	OptInAt     string `json:"opt_in_at,omitempty"`
	OptInIP     string `json:"opt_in_ip,omitempty"`
	Program     string `json:"program,omitempty"`
	Source      string `json:"source,omitempty"`
}

// fill reads what exports say besides the fields of every list.
func (f *format) fill(l *newsletter.Line, v values) (err error) {
	if l.State, l.Suppressed, err = f.standing(v); err != nil {
		return err
	}
	if f.name == "syndicate" {
		return fillOwn(l, v)
	}
	s := said{Program: f.name, Source: short(v.text(source))}
	if f == &generic {
		s.Program = ""
	}
	at := func(r role) (time.Time, string) {
		t, ok := parseTime(v.text(r))
		if !ok {
			return time.Time{}, short(v.text(r))
		}
		return t, t.Format(time.RFC3339)
	}
	var opted, confirmed time.Time
	opted, s.OptInAt = at(optIn)
	confirmed, s.ConfirmedAt = at(confirm)
	s.OptInIP, s.ConfirmedIP = network(v.text(optInIP)), network(v.text(confirmIP))
	l.ConsentAt, _ = parseTime(v.text(consentAt))
	for _, t := range []time.Time{confirmed, opted} { // the later step first: it proves more
		if l.ConsentAt.IsZero() {
			l.ConsentAt = t
		}
	}
	if l.State == newsletter.SubscriptionUnsubscribed {
		l.LeftAt, _ = parseTime(v.text(leftAt))
	}
	if s != (said{}) {
		l.Proof = encode(s)
	}
	return nil
}

// fillOwn reads what Writer wrote: strictly, so that nothing is lost in silence.
func fillOwn(l *newsletter.Line, v values) error {
	times := map[role]*time.Time{consentAt: &l.ConsentAt, leftAt: &l.LeftAt, paused: new(time.Time)}
	for _, r := range []role{consentAt, leftAt, paused} {
		s := v.text(r)
		t, ok := parseTime(s)
		if s != "" && !ok {
			return &fault{role: r, reason: "time", text: fmt.Sprintf("%q is no time; write 2026-11-24T07:00:00Z", s)}
		}
		*times[r] = t
	}
	c := &newsletter.Choices{Cadence: newsletter.Cadence(v.text(cadence)), Hour: -1, PausedTill: *times[paused]}
	if c.Cadence != newsletter.EachIssue && !slices.Contains(newsletter.Cadences(), c.Cadence) {
		return &fault{role: cadence, reason: "cadence", text: fmt.Sprintf("%q is no cadence", c.Cadence)}
	}
	if s := v.text(byFeed); s != "" {
		var ok bool
		if c.ByFeed, ok = truth(s); !ok {
			return &fault{role: byFeed, reason: "by feed", text: fmt.Sprintf("%q is neither true nor false", s)}
		}
	}
	for r, to := range map[role]*int{hour: &c.Hour, items: &c.MaxItems} {
		s := v.text(r)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || r == hour && n > 23 || n > 1000 {
			return &fault{role: r, reason: "number", text: fmt.Sprintf("%q cannot be its %s", s, r)}
		}
		*to = n
	}
	for _, field := range strings.Split(v.text(owned), "|") {
		switch field {
		case "":
		case "name", "language", "time_zone", "topics", "cadence", "hour", "max_items", "paused_till":
			c.SetByOwner = append(c.SetByOwner, field)
		default:
			return &fault{role: owned, reason: "fields", text: fmt.Sprintf("%q is no field that an owner sets", field)}
		}
	}
	slices.Sort(c.SetByOwner)
	l.Choices, l.LeftBy = c, short(v.text(leftBy))
	fields := map[string]json.RawMessage{}
	if s := v.text(proof); s != "" {
		if err := json.Unmarshal([]byte(s), &fields); err != nil || fields == nil {
			return &fault{role: proof, reason: "proof", text: "the proof is no JSON object"}
		}
	}
	if s := short(v.text(source)); s != "" {
		fields[originKey] = json.RawMessage(encode(s))
	}
	if len(fields) > 0 {
		l.Proof = encode(fields)
	}
	return nil
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // strings, and JSON that was read before
	}
	return string(b)
}

// parseTime reads the times that programs export; without a zone they are UTC.
func parseTime(s string) (time.Time, bool) {
	if words := strings.Fields(s); len(words) == 4 && words[2] == words[3] { // listmonk, where a zone has no name: "… +0530 +0530"
		s = strings.Join(words[:3], " ")
	}
	for _, layout := range []string{
		time.RFC3339, time.DateTime, "2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02T15:04:05", "2006-01-02T15:04",
		"2006-01-02 15:04", time.DateOnly, "Jan 2, 2006", "2 Jan 2006", time.RFC1123Z, time.RFC1123,
	} {
		t, err := time.Parse(layout, s)
		if err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// network makes an IP address so short that it is nobody's: /24, or /48 of IPv6.
// What is none is left out.
func network(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// short bounds a text that is kept as it is, on one clean line.
func short(s string) string {
	const most = 200
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s), "")
	for i := range s {
		if i > most {
			return s[:i]
		}
	}
	return s
}

// namedIn looks for a name in Buttondown's metadata, a JSON object.
func namedIn(text string) string {
	if text == "" {
		return ""
	}
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil {
		return ""
	}
	get := func(key string) string {
		s, _ := fields[key].(string)
		return s
	}
	if s := get("name"); s != "" {
		return s
	}
	return get("first_name") + " " + get("last_name")
}
