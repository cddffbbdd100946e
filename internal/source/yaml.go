package source

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits that no front matter comes near, against aliases that multiply.
const (
	maxDepth  = 32
	maxValues = 20_000
)

// parseYAML reads YAML front matter whose first line is line of the file. It goes
// by the library's nodes, not its values, so that text stays as written and
// places stay known.
func parseYAML(text string, line int) (value, *Problem) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return value{}, yamlProblem(text, line, err)
	}
	if doc.Kind == 0 { // nothing but comments
		return value{kind: isTable, line: line}, nil
	}
	c := yamlConverter{offset: line - 1}
	v, err := c.convert(doc.Content[0], 0)
	var p *Problem
	switch {
	case errors.As(err, &p):
		return value{}, p
	case v.kind == isNull:
		return value{kind: isTable, line: line}, nil
	case v.kind != isTable:
		return value{}, &Problem{Line: v.line, Message: "front matter is no list of fields", Hint: `write one "name: value" a line`}
	}
	return v, nil
}

// yamlConverter turns nodes into values.
type yamlConverter struct {
	offset int // from the lines of the front matter to those of the file
	seen   int
}

func (c *yamlConverter) convert(n *yaml.Node, depth int) (value, error) {
	v := value{line: n.Line + c.offset, column: n.Column}
	c.seen++
	if depth > maxDepth || c.seen > maxValues {
		return v, &Problem{Line: v.line, Message: "front matter is nested too deeply or refers to itself"}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.convert(n.Alias, depth+1)
	case yaml.ScalarNode:
		if n.Tag != "!!null" {
			v.kind, v.text = isText, n.Value
		}
	case yaml.SequenceNode:
		v.kind = isList
		v.list = make([]value, 0, len(n.Content))
		for _, item := range n.Content {
			x, err := c.convert(item, depth+1)
			if err != nil {
				return v, err
			}
			v.list = append(v.list, x)
		}
	case yaml.MappingNode:
		v.kind = isTable
		return v, c.table(n, &v, depth)
	}
	return v, nil
}

func (c *yamlConverter) table(n *yaml.Node, v *value, depth int) error {
	v.fields = make([]field, 0, len(n.Content)/2)
	var merged []field // after the table's own, which win
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		x, err := c.convert(n.Content[i+1], depth+1)
		switch {
		case err != nil:
			return err
		case key.Tag == "!!merge":
			for _, t := range x.items() {
				merged = append(merged, t.fields...)
			}
			continue
		case key.Kind != yaml.ScalarNode:
			continue
		}
		for j := 0; j < i; j += 2 {
			if k := n.Content[j]; k.Kind == yaml.ScalarNode && k.Value == key.Value {
				return &Problem{
					Line: key.Line + c.offset, Column: key.Column,
					Message: fmt.Sprintf("%s is given twice, first in line %d", key.Value, k.Line+c.offset), Hint: "remove one of them",
				}
			}
		}
		v.fields = append(v.fields, field{name: fieldName(key.Value), value: x})
	}
	v.fields = append(v.fields, merged...)
	return nil
}

// yamlProblem explains an error of the YAML library in the author's terms. The
// library tells a line, sometimes only that of the construct around; the column,
// and the fault itself, are looked for in the text.
func yamlProblem(text string, line int, err error) *Problem {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	at := 1
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			at, message = min(max(n, 1), len(lines)), what
		}
	}
	p := &Problem{Message: "front matter is not valid YAML: " + message}
	p.Hint = `put quotes around values that contain ": " or " #", or that begin with a special character`
	if n, column, hint := findYAMLFault(lines, at, message); n > 0 {
		at, p.Column, p.Hint = n, column, hint
	}
	p.Line = line + at - 1
	return p
}

var plainField = regexp.MustCompile(`^\s*(?:- +)?[\w.-]+:\s+(.*)$`)

// findYAMLFault looks for one of the mistakes that authors make, in the line that
// the library names and those near it.
func findYAMLFault(lines []string, at int, message string) (line, column int, hint string) {
	near := []int{at, at - 1, at + 1}
	for n := range lines { // an unclosed quote is noticed far from where it opened
		near = append(near, n+1)
	}
	for _, n := range near {
		if n < 1 || n > len(lines) {
			continue
		}
		l := lines[n-1]
		if indent := len(l) - len(strings.TrimLeft(l, " ")); strings.HasPrefix(l[indent:], "\t") && strings.TrimSpace(l) != "" {
			return n, indent + 1, "indent with spaces, not with tabs"
		}
		m := plainField.FindStringSubmatchIndex(l)
		if m == nil {
			continue
		}
		v := strings.TrimRight(l[m[2]:], " ")
		column := utf8.RuneCountInString(l[:m[2]]) + 1
		switch {
		case v == "":
		case v[0] == '"' || v[0] == '\'':
			if at, ok := closingQuote(v); !ok {
				return n, column, "the quotation mark here is never closed"
			} else if rest := strings.TrimSpace(v[at+1:]); rest != "" && rest[0] != '#' {
				return n, column + utf8.RuneCountInString(v[:at]),
					"the quotation mark ends the value here; put the whole value in quotes, and write inner ones as " + inner(v[0])
			}
		case strings.IndexByte("@`%", v[0]) >= 0 || strings.IndexByte("*&!", v[0]) >= 0 && (strings.Contains(message, "anchor") || strings.Contains(message, "alphabetic")):
			return n, column, fmt.Sprintf("put the value in quotes: it begins with %c, which means something else in YAML", v[0])
		case strings.IndexByte("[{|>", v[0]) < 0:
			if before, _, ok := strings.Cut(v, ": "); ok {
				return n, column + utf8.RuneCountInString(before), "put the value in quotes: it contains a colon and a space"
			}
		}
	}
	return 0, 0, ""
}

// closingQuote returns the offset of the quotation mark that closes the one at
// the beginning.
func closingQuote(v string) (int, bool) {
	for i := 1; i < len(v); i++ {
		switch {
		case v[0] == '"' && v[i] == '\\':
			i++
		case v[0] == '\'' && strings.HasPrefix(v[i:], "''"):
			i++
		case v[i] == v[0]:
			return i, true
		}
	}
	return 0, false
}

func inner(quote byte) string {
	if quote == '"' {
		return `\"`
	}
	return "''"
}
