// Package roster reads and writes subscriber lists: CSV in, checked lines out.
//
// Lists come from spreadsheets, so any column order, comma, semicolon or tab,
// quoted cells, UTF-8, UTF-16 with a byte order mark and Windows-1252 are read. A
// line that cannot be used is reported with its number and skipped; it never
// spoils the others.
package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/language"
	"golang.org/x/text/transform"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// maxCell bounds a cell; nothing that belongs into a list comes near it.
const maxCell = 4096

// Problem is a line that was skipped, or says that columns are not read. It holds no
// address, so that it may be logged.
type Problem struct {
	Line    int // from 1
	Message string
	Columns bool // about columns: no line was skipped
	// Unread: somebody may stand there all the same, so that it cannot be told from
	// the list who is not on it.
	Unread bool
}

func (p *Problem) Error() string { return fmt.Sprintf("line %d: %s", p.Line, p.Message) }

// Reader reads a list line by line in constant memory, but for eight bytes an
// address by which doubles are found.
type Reader struct {
	csv      *csv.Reader
	columns  map[string]int // our name → index
	skipped  int            // lines before those that csv counts
	pending  []*Problem
	seed     maphash.Seed
	seen     map[uint64]int // hash of the address → its line
	zones    map[string]bool
	firstRow []string // a headerless list's first line
	done     bool
}

// headers are the names under which spreadsheets and other programs keep our columns.
func headers() map[string][]string {
	return map[string][]string{
		"email":     {"email", "e-mail", "mail", "email address", "e-mail address", "courriel", "adresse e-mail", "adresse email"},
		"name":      {"name", "full name", "nom"},
		"language":  {"language", "lang", "langue", "locale"},
		"topics":    {"topics", "topic", "tags", "sujets", "thèmes"},
		"time_zone": {"time_zone", "timezone", "time zone", "tz", "fuseau horaire"},
		"state":     {"state", "status", "état", "statut"},
		// What Writer adds for people; the store knows better.
		"newsletter": {"newsletter"}, "consent_at": {"consent_at"}, "consent_source": {"consent_source"},
	}
}

// isAddress reports whether a column is called what e-mail addresses are called
// where there is no better name; beside one, it is where people live.
func isAddress(header string) bool { return header == "address" || header == "adresse" }

// NewReader reads the header. An error means that the list as a whole cannot be
// used; a list without a header is one whose first line starts with an address.
func NewReader(r io.Reader) (*Reader, error) {
	// Without a byte order mark the bytes stay as they are: see cell.
	br := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), 64<<10)
	head, err := br.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	c := csv.NewReader(br)
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	skipped := 0
	if line, comma := declared(head); comma != 0 {
		c.Comma, skipped = comma, 1
		if _, err := br.Discard(line); err != nil {
			return nil, fmt.Errorf("reading the list: %w", err)
		}
	} else {
		c.Comma = separator(head)
	}
	x := &Reader{csv: c, skipped: skipped, columns: map[string]int{}, seed: maphash.MakeSeed(), seen: map[uint64]int{}, zones: map[string]bool{}}
	row, err := c.Read()
	if errors.Is(err, io.EOF) {
		x.done = true // an empty file is an empty list
		return x, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	if _, err := Address(cell(row[0])); err == nil {
		x.columns["email"] = 0
		x.firstRow = slices.Clone(row)
		return x, nil
	}
	x.readHeader(row)
	if _, ok := x.columns["email"]; !ok {
		return nil, fmt.Errorf(`line %d: no column is called "email"; the first line names the columns, such as email,name,language,topics,time_zone`, x.skipped+1)
	}
	return x, nil
}

func (x *Reader) readHeader(row []string) {
	known := headers()
	names := make([]string, len(row))
	for i, h := range row {
		names[i] = strings.ToLower(cell(h))
	}
	if !slices.ContainsFunc(names, func(h string) bool { return slices.Contains(known["email"], h) }) {
		if i := slices.IndexFunc(names, isAddress); i >= 0 {
			names[i] = "email"
		}
	}
	var unknown []string
	for i, h := range names {
		found := ""
		for name, synonyms := range known {
			if slices.Contains(synonyms, h) {
				found = name
			}
		}
		switch _, double := x.columns[found]; {
		case found == "" && h != "":
			unknown = append(unknown, strconv.Quote(h))
		case found != "" && double:
			x.pending = append(x.pending, &Problem{Line: x.skipped + 1, Columns: true, Message: fmt.Sprintf("column %q is there twice; the first is read", found)})
		case found != "":
			x.columns[found] = i
		}
	}
	switch len(unknown) {
	case 0:
	case 1:
		x.pending = append(x.pending, &Problem{Line: x.skipped + 1, Columns: true, Message: "the column " + unknown[0] + " is not known and ignored"})
	default:
		x.pending = append(x.pending, &Problem{Line: x.skipped + 1, Columns: true, Message: "the columns " + strings.Join(unknown, ", ") + " are not known and ignored"})
	}
}

// Next returns the next good line. A *Problem as error tells of a line that was
// skipped (or a column that was not read): go on. io.EOF ends the list; any
// other error means that the rest could not be read.
func (x *Reader) Next() (newsletter.Line, error) {
	for {
		if len(x.pending) > 0 {
			p := x.pending[0]
			x.pending = x.pending[1:]
			return newsletter.Line{}, p
		}
		if x.done {
			return newsletter.Line{}, io.EOF
		}
		row, n := x.firstRow, x.skipped+1
		if x.firstRow = nil; row == nil {
			var err error
			row, err = x.csv.Read()
			if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
				return newsletter.Line{}, x.misquoted(parse)
			}
			if errors.Is(err, io.EOF) {
				x.done = true
				return newsletter.Line{}, io.EOF
			}
			if err != nil {
				return newsletter.Line{}, fmt.Errorf("reading the list: %w", err)
			}
			n, _ = x.csv.FieldPos(0)
			n += x.skipped
		}
		if blank(row) {
			continue
		}
		line, err := x.line(row, n)
		if err != nil {
			return newsletter.Line{}, &Problem{Line: n, Message: err.Error(), Unread: !errors.As(err, new(needless))}
		}
		return line, nil
	}
}

// needless says why a line is not needed to know who is on the list.
type needless string

func (n needless) Error() string { return string(n) }

func (x *Reader) misquoted(err *csv.ParseError) *Problem {
	first, last := err.StartLine+x.skipped, err.Line+x.skipped
	if last > first { // one quotation mark swallows lines until the next
		return &Problem{Line: first, Unread: true, Message: fmt.Sprintf("a quotation mark is opened and not closed; lines %d to %d were not read", first, last)}
	}
	return &Problem{Line: first, Unread: true, Message: "a quotation mark stands inside a cell; put the cell in quotation marks and double those inside"}
}

// line checks one row.
func (x *Reader) line(row []string, n int) (newsletter.Line, error) {
	l := newsletter.Line{N: n}
	for _, s := range row {
		if len(s) > maxCell {
			return l, fmt.Errorf("a cell has %d bytes, %d are allowed", len(s), maxCell)
		}
	}
	get := func(name string) *string {
		i, ok := x.columns[name]
		if !ok {
			return nil
		}
		s := ""
		if i < len(row) {
			s = cell(row[i])
		}
		return &s
	}
	email, err := Address(*get("email"))
	if err != nil {
		return l, err
	}
	l.Email = email
	if s := get("state"); s != nil && !slices.Contains([]string{"", "confirmed", "subscribed", "active", "enabled"}, strings.ToLower(*s)) {
		return l, needless(fmt.Sprintf("its state is %q, only confirmed ones are read", *s))
	}
	if l.Name = get("name"); l.Name != nil {
		*l.Name = markup.CleanLine(*l.Name)
	}
	if l.Language = get("language"); l.Language != nil && *l.Language != "" {
		tag, err := language.Parse(*l.Language)
		if err != nil || len(*l.Language) > 35 { // RFC 5646 4.4.1
			return l, fmt.Errorf("%q is no language tag; write en, fr, pt-BR…", *l.Language)
		}
		*l.Language = tag.String()
	}
	if l.TimeZone = get("time_zone"); l.TimeZone != nil && *l.TimeZone != "" {
		if !x.isZone(*l.TimeZone) {
			return l, fmt.Errorf("%q is no time zone; write Europe/Paris, America/New_York…", *l.TimeZone)
		}
	}
	if s := get("topics"); s != nil {
		topics := newsletter.SplitTopics(newsletter.JoinTopics(strings.FieldsFunc(*s, func(r rune) bool { return r == '|' || r == ',' || r == ';' })))
		l.Topics = &topics
	}
	h := maphash.String(x.seed, strings.ToLower(email))
	if first, double := x.seen[h]; double {
		return l, needless(fmt.Sprintf("the address is on line %d already", first))
	}
	x.seen[h] = n
	return l, nil
}

// isZone reports whether name is in the time zone database. Answers are kept:
// lists repeat few zones, and each look-up reads a file.
func (x *Reader) isZone(name string) bool {
	ok, known := x.zones[name]
	if !known && len(x.zones) < 1000 {
		_, err := time.LoadLocation(name)
		ok = err == nil && name != "Local"
		x.zones[name] = ok
	}
	return ok
}

// ReadAll reads a whole list.
func ReadAll(r io.Reader) (lines []newsletter.Line, problems []*Problem, err error) {
	x, err := NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	for {
		l, err := x.Next()
		var p *Problem
		switch {
		case err == nil:
			lines = append(lines, l)
		case errors.As(err, &p):
			problems = append(problems, p)
		case errors.Is(err, io.EOF):
			return lines, problems, nil
		default:
			return lines, problems, err
		}
	}
}

// declared returns the separator that a spreadsheet declares in a first line
// "sep=;", and the length of that line; 0: there is none.
func declared(head []byte) (length int, comma rune) {
	line, _, found := bytes.Cut(head, []byte("\n"))
	text := strings.ToLower(strings.Trim(string(line), "\" \r"))
	if rest, ok := strings.CutPrefix(text, "sep="); ok && found && len(rest) == 1 && strings.IndexByte(",;\t", rest[0]) >= 0 {
		return len(line) + 1, rune(rest[0])
	}
	return 0, 0
}

// separator picks the separator that the first line has most of.
func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// cell decodes a cell (what is not UTF-8 is Windows-1252, which spreadsheets
// still write), undoes the apostrophe of Write, and trims it.
func cell(s string) string {
	if !utf8.ValidString(s) {
		if d, err := charmap.Windows1252.NewDecoder().String(s); err == nil {
			s = d
		}
	}
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '\'' && dangerous(s[1]) {
		s = s[1:]
	}
	return strings.Clone(s) // the CSV reader reuses its row
}

func blank(row []string) bool {
	for _, s := range row {
		if strings.TrimSpace(s) != "" {
			return false
		}
	}
	return true
}

// dangerous reports whether a spreadsheet takes a cell that starts so for a formula.
func dangerous(c byte) bool { return strings.IndexByte("=+-@\t\r", c) >= 0 }

// Writer writes a list that NewReader reads back.
type Writer struct{ csv *csv.Writer }

// NewWriter writes the header.
func NewWriter(w io.Writer) (*Writer, error) {
	x := &Writer{csv.NewWriter(w)}
	return x, x.csv.Write([]string{"email", "name", "language", "topics", "time_zone", "newsletter", "state", "consent_at", "consent_source"})
}

// Write adds one subscription. A cell that a spreadsheet would run as a formula
// gets an apostrophe.
func (w *Writer) Write(s *newsletter.Subscription) error {
	consent := ""
	if !s.ConsentAt.IsZero() {
		consent = s.ConsentAt.UTC().Format(time.RFC3339)
	}
	row := []string{
		s.Subscriber.Email, s.Subscriber.Name, s.Subscriber.Language, strings.Join(s.Topics, "|"), s.Subscriber.TimeZone,
		s.Newsletter, string(s.State), consent, s.Source,
	}
	for i, c := range row {
		if c != "" && dangerous(c[0]) {
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
