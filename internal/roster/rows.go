package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const (
	maxCell   = 4096    // bytes of a cell; nothing that belongs into a list comes near it
	maxLine   = 1 << 20 // bytes of a row, its line ends included
	readAhead = 64 << 10
)

// errEndless: what should be a line goes on and on.
var errEndless = fmt.Errorf("a line or a cell in quotation marks has no end within %d KB", maxLine>>10)

// bounded ends a list where a row has no end, before it fills the memory.
type bounded struct {
	r     io.Reader
	left  int
	ended bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.ended = true
		return 0, errEndless
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// row begins to count anew; what was read ahead counts for the row before.
func (b *bounded) row() { b.left = maxLine }

// csvRows are the rows of a CSV file.
type csvRows struct {
	*csv.Reader
	limit   *bounded
	skipped int      // lines before those that csv counts
	width   int      // of the row that was read last
	again   []string // the first row, of a list without a header
}

func (c *csvRows) Read() ([]string, error) {
	if row := c.again; row != nil {
		c.again = nil
		return row, nil
	}
	c.limit.row()
	row, err := c.Reader.Read()
	if c.limit.ended { // it would parse what it has of the row
		return nil, errEndless
	}
	c.width = len(row)
	return row, err
}

// pos returns where a cell begins; of one that the row does not have, where the row
// does, and no column.
func (c *csvRows) pos(cell int) (line, column int) {
	if cell >= c.width {
		line, _ = c.FieldPos(0)
		return line + c.skipped, 0
	}
	line, column = c.FieldPos(cell)
	return line + c.skipped, column
}

// plainRows are addresses one a line, or "Name <address>", as mailing list managers
// print them: a row is the address and the name.
type plainRows struct {
	r      *bufio.Reader
	limit  *bounded
	n      int
	column int // of the address
}

func (p *plainRows) Read() ([]string, error) {
	for {
		p.limit.row()
		line, err := p.r.ReadString('\n')
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return nil, err
		}
		p.n++
		text := cell(strings.TrimRight(line, "\r\n"))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		address, name := splitPlain(text)
		p.column = strings.Index(line, address) + 1
		return []string{address, name}, nil
	}
}

func (p *plainRows) pos(int) (line, column int) { return p.n, p.column }

// splitPlain takes "Name <address>" apart, or "address (Name)", or the first of
// several cells.
func splitPlain(text string) (address, name string) {
	if before, rest, ok := cutLast(text, '<'); ok {
		address, _, _ = strings.Cut(rest, ">")
		if a, err := mail.ParseAddress(text); err == nil && a.Name != "" { // quoted or encoded
			return address, a.Name
		}
		return address, strings.Trim(strings.TrimSpace(before), `"`)
	}
	if before, rest, ok := strings.Cut(text, " ("); ok && strings.HasSuffix(rest, ")") {
		return before, strings.TrimSuffix(rest, ")")
	}
	if i := strings.IndexAny(text, ",;\t"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text), ""
}

var angledRE = regexp.MustCompile(`<[^<>@\s]+@[^<>@\s]+>\s*$`)

// isPlain reports whether a list is addresses one a line and no CSV: its first line
// that is no comment ends with <address>, or is an address.
func isPlain(head []byte) bool {
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		text := cell(string(bytes.TrimRight(line, "\r")))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if angledRE.MatchString(text) {
			return true
		}
		_, err := Address(text)
		return err == nil
	}
	return false
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
	if len(s) > 1 && s[0] == '\'' && formula(s) {
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

// formula reports whether a spreadsheet takes a cell for a formula, or would without
// the apostrophes before it. One apostrophe is put before such a cell and taken off
// again, so that each cell comes back as it was.
func formula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
}
