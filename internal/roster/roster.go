// Package roster reads and writes subscriber lists: CSV in, checked lines out.
//
// Lists come from spreadsheets, so any column order, comma, semicolon or tab,
// quoted cells, UTF-8, UTF-16 with a byte order mark and Windows-1252 are read. A
// line that cannot be used is reported with its number and skipped; it never
// spoils the others.
//
// NewReader reads the lists that an operator keeps. NewImport reads what other
// programs export, too: it tells by the names of the columns whose export it is
// (formats.go), and each line then says also who left there, who bounced, and what
// is known of the consent (consent.go). It needs no memory for a list's length;
// Doubles finds addresses that are there twice.
package roster

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/language"
	"golang.org/x/text/transform"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// Problem is a line that was skipped, or says that columns are not read. It holds no
// address, so that it may be logged.
type Problem struct {
	Line    int // from 1
	Column  int // in bytes from 1, 0: the whole line
	Message string
	Reason  string // the kind of problem, in a few words: "no address", "language", …
	Columns bool   // about columns: no line was skipped
	// Unread: somebody may stand there all the same, so that it cannot be told from
	// the list who is not on it.
	Unread bool
}

func (p *Problem) Error() string { return fmt.Sprintf("line %d: %s", p.Line, p.Message) }

// OtherNewsletter is the reason of lines of an export whose owners asked for another
// newsletter.
const OtherNewsletter = "of another newsletter"

// fault is what is wrong with a line.
type fault struct {
	role     role   // the column, if it is one
	reason   string // as in Problem
	text     string
	needless bool // the line is not needed to know who is on the list
}

func (f *fault) Error() string { return f.text }

// Reader reads a list line by line in constant memory; NewReader's needs eight bytes
// an address besides, by which doubles are found.
type Reader struct {
	rows    rows
	format  *format
	imports bool
	name    string // of the file
	letter  string // the newsletter whose lines are read of an export of Syndicate; empty: all
	tags    bool   // labels of the program that exported it become topics
	plain   bool   // addresses one a line, where a name is the exception
	columns map[role]int
	ignored []string // columns that are not read
	pending []*Problem
	seed    maphash.Seed
	seen    map[uint64]int    // hash of the address → its line; nil: doubles are not looked for
	zones   map[string]string // as written, and as they are called; empty: there is no such zone
	last    int               // line of the last row
	done    bool
}

// rows is a list cut into rows of cells.
type rows interface {
	Read() ([]string, error) // the row is valid until the next call
	pos(cell int) (line, column int)
}

// ImportOptions say how an export is read.
type ImportOptions struct {
	Format string // one of Formats; empty: told by the columns
	Tags   bool   // labels that the operator gave there become topics
	Name   string // of the file: of Mailchimp's it says who is in it; empty: not known
	// Newsletter is whose lines are read of an export of Syndicate: who is on others never
	// asked for it. Empty: all.
	Newsletter string
}

// NewReader reads the header of a list that an operator keeps. An error means that
// the list as a whole cannot be used; a list without a header is one whose first
// line starts with an address.
func NewReader(r io.Reader) (*Reader, error) {
	x := &Reader{seed: maphash.MakeSeed(), seen: map[uint64]int{}}
	return x, x.begin(r, &generic)
}

// NewImport reads the header of a list that another program may have exported.
// Doubles are not looked for.
func NewImport(r io.Reader, o ImportOptions) (*Reader, error) {
	x := &Reader{imports: true, tags: o.Tags, name: o.Name, letter: o.Newsletter}
	var f *format
	if o.Format != "" {
		if f = formatNamed(o.Format); f == nil {
			return nil, fmt.Errorf("%q is no format; there are %s", o.Format, strings.Join(Formats(), ", "))
		}
	}
	return x, x.begin(r, f)
}

// Format returns the name of the list's format, one of Formats.
func (x *Reader) Format() string { return x.format.name }

// Title returns the name of the program whose format it is.
func (x *Reader) Title() string { return x.format.title }

// Ignored returns the names of the columns that are not read.
func (x *Reader) Ignored() []string { return x.ignored }

// begin reads the header; f nil: the format is told by it.
func (x *Reader) begin(r io.Reader, f *format) error {
	x.columns, x.zones, x.format = map[role]int{}, map[string]string{}, f
	if f == nil {
		x.format = &generic
	}
	limit := &bounded{r: transform.NewReader(r, unicode.BOMOverride(transform.Nop)), left: maxLine}
	// Without a byte order mark the bytes stay as they are: see cell.
	br := bufio.NewReaderSize(limit, readAhead)
	head, err := br.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the list: %w", err)
	}
	if isPlain(head) {
		if f == nil {
			x.format = formatNamed("mailman")
		}
		x.rows, x.plain = &plainRows{r: br, limit: limit}, true
		x.columns[email], x.columns[fullName] = 0, 1
		return nil
	}
	c := &csvRows{Reader: csv.NewReader(br), limit: limit}
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	x.rows = c
	if line, comma := declared(head); comma != 0 {
		c.Comma, c.skipped = comma, 1
		if _, err := br.Discard(line); err != nil {
			return fmt.Errorf("reading the list: %w", err)
		}
	} else {
		c.Comma = separator(head)
	}
	row, err := c.Read()
	if errors.Is(err, io.EOF) {
		x.done = true // an empty file is an empty list
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the header: %w", err)
	}
	if _, err := Address(cell(row[0])); err == nil {
		x.columns[email] = 0
		c.again = slices.Clone(row)
		return nil
	}
	x.last = c.skipped + 1
	return x.readHeader(row, f)
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
		row, err := x.rows.Read()
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			return newsletter.Line{}, x.misquoted(parse)
		}
		if errors.Is(err, io.EOF) {
			x.done = true
			return newsletter.Line{}, io.EOF
		}
		if err != nil {
			return newsletter.Line{}, fmt.Errorf("line %d: reading the list: %w", x.last+1, err)
		}
		if blank(row) {
			continue
		}
		x.last, _ = x.rows.pos(0)
		line, err := x.line(row)
		if err != nil {
			return newsletter.Line{}, x.problem(err)
		}
		return line, nil
	}
}

// problem says where the fault is.
func (x *Reader) problem(err error) *Problem {
	p := &Problem{Line: x.last, Message: err.Error(), Unread: true}
	var f *fault
	if errors.As(err, &f) {
		p.Unread, p.Reason = !f.needless, f.reason
		if i, ok := x.columns[f.role]; ok {
			// Of a row of several lines, the line where it begins is told.
			if line, column := x.rows.pos(i); line == x.last {
				p.Column = column
			}
		}
	}
	return p
}

func (x *Reader) misquoted(err *csv.ParseError) *Problem {
	skipped := 0
	if c, ok := x.rows.(*csvRows); ok {
		skipped = c.skipped
	}
	p := &Problem{Line: err.StartLine + skipped, Column: err.Column, Unread: true, Reason: "quotation marks"}
	last := err.Line + skipped
	if x.last = last; last > p.Line { // one quotation mark swallows lines until the next
		p.Column = 0
		p.Message = fmt.Sprintf("a quotation mark is opened and not closed; lines %d to %d were not read", p.Line, last)
		return p
	}
	p.Message = "a quotation mark stands inside a cell; put the cell in quotation marks and double those inside"
	return p
}

// values are the cells of a row by their role: what they hold, and whether there is
// such a column.
type values func(role) (string, bool)

// text is the cell without the question whether there is one.
func (v values) text(r role) string {
	s, _ := v(r)
	return s
}

// line checks one row.
func (x *Reader) line(row []string) (newsletter.Line, error) {
	l := newsletter.Line{N: x.last}
	if err := x.lengths(row); err != nil {
		return l, err
	}
	get := values(func(r role) (string, bool) {
		i, ok := x.columns[r]
		if !ok && r == state && x.format.filed != nil {
			return x.format.filed(x.name), true
		}
		if !ok || i >= len(row) {
			return "", ok
		}
		return cell(row[i]), true
	})
	address, err := Address(get.text(email))
	if err != nil {
		return l, &fault{role: email, reason: "no address", text: err.Error()}
	}
	l.Email = address
	if !x.imports {
		if s := get.text(state); !slices.Contains([]string{"", "confirmed", "subscribed", "active", "enabled"}, strings.ToLower(s)) {
			return l, &fault{role: state, reason: "state", needless: true, text: fmt.Sprintf("its state is %q, only confirmed ones are read", s)}
		}
	}
	if s := get.text(forLetter); s != "" && x.letter != "" && s != x.letter {
		return l, &fault{role: forLetter, reason: OtherNewsletter, needless: true, text: fmt.Sprintf("it stands there for the newsletter %q, not for %q", s, x.letter)}
	}
	if err := x.fields(&l, get); err != nil {
		return l, err
	}
	if x.imports {
		if err := x.format.fill(&l, get); err != nil {
			return l, err
		}
	}
	return l, x.double(&l)
}

// lengths refuses cells that are too long. Exports have columns that nobody reads
// here, of any length.
func (x *Reader) lengths(row []string) error {
	of := make([]role, len(row))
	for r, i := range x.columns {
		if i < len(of) {
			of[i] = r
		}
	}
	for i, s := range row {
		if len(s) > maxCell && of[i] != metadata && (of[i] != "" || !x.imports) {
			return &fault{role: of[i], reason: "too long", text: fmt.Sprintf("a cell has %d bytes, %d are allowed", len(s), maxCell)}
		}
	}
	return nil
}

// fields reads what every list may say.
func (x *Reader) fields(l *newsletter.Line, get values) error {
	if s, ok := get(fullName); ok && (s != "" || !x.plain) {
		s = markup.CleanLine(s)
		l.Name = &s
	} else if s := x.format.compose(get); s != "" {
		l.Name = &s
	}
	if s, ok := get(lang); ok {
		if s != "" {
			tag, err := language.Parse(s)
			if err != nil || len(s) > 35 { // RFC 5646 4.4.1
				return &fault{role: lang, reason: "language", text: fmt.Sprintf("%q is no language tag; write en, fr, pt-BR…", s)}
			}
			s = tag.String()
		}
		l.Language = &s
	}
	if s, ok := get(zone); ok {
		name := ""
		if s != "" {
			if name = x.zone(s); name == "" {
				return &fault{role: zone, reason: "time zone", text: fmt.Sprintf("%q is no time zone; write Europe/Paris, America/New_York…", s)}
			}
		}
		l.TimeZone = &name
	}
	from := topics
	if x.tags {
		from = tags
	}
	if s, ok := get(from); ok {
		list := newsletter.SplitTopics(newsletter.JoinTopics(strings.FieldsFunc(markup.CleanLine(s), func(r rune) bool { return strings.ContainsRune(`|,;"`, r) })))
		l.Topics = &list
	}
	return nil
}

// double looks whether the address was there already.
func (x *Reader) double(l *newsletter.Line) error {
	if x.seen == nil {
		return nil
	}
	h := maphash.String(x.seed, strings.ToLower(l.Email))
	if first, double := x.seen[h]; double {
		return &fault{role: email, reason: "twice", needless: true, text: "the address is on line " + strconv.Itoa(first) + " already"}
	}
	x.seen[h] = l.N
	return nil
}

// zone is Zone; empty: there is none. Answers are kept: lists repeat few zones, and each
// look-up reads a file.
func (x *Reader) zone(typed string) string {
	name, known := x.zones[typed]
	if !known {
		name, _ = Zone(typed)
		if len(x.zones) < 1000 {
			x.zones[typed] = name
		}
	}
	return name
}

// ReadAll reads a whole list that an operator keeps.
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
