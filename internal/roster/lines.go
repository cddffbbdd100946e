package roster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// LinesOf returns the lines of a list on which an address (as Address returns it) stands,
// whatever else is on them, be they good or not.
func LinesOf(r io.Reader, address string) (lines []int, err error) {
	limit := &bounded{r: transform.NewReader(r, unicode.BOMOverride(transform.Nop)), left: maxLine}
	br := bufio.NewReaderSize(limit, readAhead)
	for n := 1; ; n++ {
		limit.row()
		line, err := br.ReadString('\n')
		for _, word := range strings.FieldsFunc(cell(line), func(r rune) bool { return strings.ContainsRune(" \t\r\n,;|<>()\"", r) }) {
			if is(word, address) || is(strings.TrimLeft(word, "'"), address) {
				lines = append(lines, n)
				break
			}
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func is(word, address string) bool {
	if !strings.Contains(word, "@") {
		return false
	}
	got, err := Address(word)
	return err == nil && strings.EqualFold(got, address)
}
