package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse turns the file into its one document, nil if it is empty.
func (d *decoder) parse(data []byte) (*yaml.Node, bool) {
	if len(data) > MaxSize {
		d.note(position{1, 1}, "is it the right file?", "larger than %d bytes", MaxSize)
		return nil, false
	}
	if !d.readable(data) {
		return nil, false
	}
	first, second, err := documents(data)
	switch {
	case err != nil:
		d.syntax(data, err)
	case second != nil:
		d.at(second, "remove the line ---", "a second document begins here; only one is read")
	}
	return first, err == nil && second == nil
}

// documents parses the first two documents of data.
func documents(data []byte) (first, second *yaml.Node, err error) {
	// The parser gives up with a panic on some input that it does not understand.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs [2]yaml.Node
	for i := range docs {
		switch err := dec.Decode(&docs[i]); {
		case errors.Is(err, io.EOF):
			return first, nil, nil
		case err != nil:
			return nil, nil, err
		case i == 0:
			first = docs[i].Content[0]
		}
	}
	return first, docs[1].Content[0], nil
}

// readable checks the characters, because the parser does not say where it found a bad one.
func (d *decoder) readable(data []byte) bool {
	p := position{1, 0}
	for rest := bytes.TrimPrefix(data, []byte("\ufeff")); len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		p.column++
		switch {
		case r == utf8.RuneError && size == 1:
			d.note(p, "save the file as UTF-8", "not UTF-8 text")
			return false
		case r == '\n':
			p = position{p.line + 1, 0}
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == 0xfffe, r == 0xffff:
			d.note(p, "delete it", "the character %U is not allowed here", r)
			return false
		}
		rest = rest[size:]
	}
	return true
}

// syntax is the problem that the parser complains of.
func (d *decoder) syntax(data []byte, err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(line, "line ") {
		message = rest // its idea of the line is not always right
	}
	p := syntaxPosition(data, err)
	hint := "look at the indentation and the quotation marks here and just above"
	var line []byte // stays empty if the parser counts other line ends than these
	if lines := bytes.SplitN(data, []byte("\n"), p.line+1); p.line <= len(lines) {
		line = lines[p.line-1]
	}
	switch {
	case bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t")):
		hint = "indent with spaces, not with tabs"
	case bytes.Contains(line, []byte("${")):
		hint = `write "${NAME}" in quotation marks`
	}
	d.note(p, hint, "not valid YAML: %s", message)
}

// syntaxPosition finds the line at which the parser gives up. It only tells the line where the
// surrounding block begins, sometimes the one above; the shortest part of the file with the same error
// ends in the right one. Only tried on files that people write by hand, because it parses many times.
func syntaxPosition(data []byte, err error) position {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(data) <= 32<<10 && len(lines) <= 1000 {
		for i, end := 0, 0; i < len(lines); i++ {
			end += len(lines[i])
			if _, _, e := documents(data[:end]); e != nil && e.Error() == err.Error() {
				indent := len(lines[i]) - len(bytes.TrimLeft(lines[i], " "))
				return position{i + 1, min(indent+1, max(len(lines[i]), 1))}
			}
		}
	}
	_, s, _ := strings.Cut(err.Error(), "line ")
	s, _, _ = strings.Cut(s, ":")
	line, _ := strconv.Atoi(s)
	return position{max(line, 1), 1}
}

// pair is a key of a mapping and what stands under it.
type pair struct{ key, value *yaml.Node }

// pairs returns each key of a mapping once: first its own, in the order of the file, then those that
// << merges in and that it does not have. above are the mappings that n is being merged into.
func (d *decoder) pairs(n *yaml.Node, above ...*yaml.Node) []pair {
	var own, merged []pair
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.at(key, "", "a key has to be a plain word, found %s", found(key))
		case key.Tag == "!!merge":
			merged = append(merged, d.merge(value, append(above, n))...)
		case seen[key.Value] != nil:
			d.at(key, "keep one of them", "the key %s is given twice, first on line %d", quote(key.Value), seen[key.Value].Line)
		default:
			seen[key.Value] = key
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if seen[p.key.Value] == nil {
			seen[p.key.Value] = p.key
			own = append(own, p)
		}
	}
	return own
}

// merge returns the pairs of what stands under <<: a mapping or a list of them.
func (d *decoder) merge(n *yaml.Node, above []*yaml.Node) []pair {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case slices.Contains(above, n):
		d.at(n, "", "what stands here is merged into itself")
		return nil
	case n.Kind == yaml.MappingNode:
		if !d.spend(n, len(n.Content)) {
			return nil
		}
		return d.pairs(n, above...)
	case n.Kind == yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			all = append(all, d.merge(item, append(above, n))...)
		}
		return all
	}
	d.at(n, "", "only a section of keys can be merged, found %s", found(n))
	return nil
}

// spend counts nodes reached through aliases and tells whether there may be more.
func (d *decoder) spend(n *yaml.Node, nodes int) bool {
	before := d.aliased
	d.aliased += nodes
	if before <= maxAliased && d.aliased > maxAliased {
		d.at(n, "write out what you need", "the aliases of this file stand for more than %d values", maxAliased)
	}
	return d.aliased <= maxAliased
}

// isNull tells a key without a value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// found describes a node for people.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a section of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind != yaml.ScalarNode:
		return "an alias"
	case isNull(n):
		return "nothing"
	case n.Tag == "!!int", n.Tag == "!!float", n.Tag == "!!bool":
		return shown(n.Value)
	case n.Tag == "!!timestamp":
		return "the date " + shown(n.Value)
	}
	return quote(n.Value)
}

// shown is a plain word of the file, which needs no quotation marks.
func shown(s string) string { return strings.Trim(quote(s), `"`) }
