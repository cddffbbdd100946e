package config

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAliased is how many nodes may be reached through aliases. Aliases multiply: a small file could
// otherwise stand for more than fits into memory.
const maxAliased = 10_000

// decoder walks the nodes of one file and collects what is wrong with it.
type decoder struct {
	file     string
	dir      string // where relative secret files are
	env      func(string) (string, bool)
	problems []Problem
	where    map[string]position // of every key in the file, by its path
	aliased  int                 // nodes reached through aliases
	depth    int                 // aliases being followed
}

// field is one key of a section.
type field struct {
	index int
	key   string
	typ   reflect.Type
	tag   reflect.StructTag
	named bool // a mapping whose keys name the elements of a slice
}

// fields yields the keys of a section.
func fields(t reflect.Type) iter.Seq[field] {
	return func(yield func(field) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			key := f.Tag.Get("yaml")
			if key == "" || key == "-" || key[0] == ',' {
				continue
			}
			named := f.Type.Kind() == reflect.Slice && hasName(f.Type.Elem())
			if !yield(field{index: i, key: key, typ: f.Type, tag: f.Tag, named: named}) {
				return
			}
		}
	}
}

// hasName tells whether the elements of a list are named by keys: their type has a field for the name.
func hasName(t reflect.Type) bool {
	return isSection(t) && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") == ",key"
}

// isSection tells a mapping with keys of ours from structs that stand for one value, such as an address.
func isSection(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") != "" {
			return true
		}
	}
	return false
}

// at notes a problem where a node stands.
func (d *decoder) at(n *yaml.Node, hint, format string, args ...any) {
	d.note(position{n.Line, n.Column}, hint, format, args...)
}

func (d *decoder) note(p position, hint, format string, args ...any) {
	if len(d.problems) > maxProblems {
		return
	}
	if len(d.problems) == maxProblems {
		format, args, hint = "too many problems; the others are not shown", nil, ""
	}
	// Nodes that the parser made up (an empty document) have no place.
	p.line, p.column = max(p.line, 1), max(p.column, 1)
	problem := Problem{d.file, p.line, p.column, fmt.Sprintf(format, args...), hint}
	// What stands behind an alias is checked wherever it is used, but it is wrong only once.
	if !slices.Contains(d.problems, problem) {
		d.problems = append(d.problems, problem)
	}
}

// root decodes the whole document.
func (d *decoder) root(n *yaml.Node, c *Config) {
	if n != nil && isNull(n) {
		n = nil
	}
	d.value("", n, reflect.ValueOf(c).Elem(), "")
}

// value decodes n into v. n is nil if v is a section that the file leaves out; its defaults and the
// keys it should have had still count.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
		d.depth++
		defer func() { d.depth-- }()
	}
	if d.depth > 0 && n != nil && !d.spend(n, 1+len(n.Content)) {
		return
	}
	switch {
	case v.Kind() == reflect.Pointer && isSection(v.Type().Elem()):
		v.Set(reflect.New(v.Type().Elem()))
		d.section(path, n, v.Elem())
	case isSection(v.Type()):
		d.section(path, n, v)
	case v.Kind() == reflect.Slice && hasName(v.Type().Elem()):
		d.named(path, n, v)
	case v.Kind() == reflect.Slice:
		d.list(path, n, v, tag)
	default:
		d.scalar(path, n, v, tag)
	}
}

// section decodes a mapping whose keys are the fields of v.
func (d *decoder) section(path string, n *yaml.Node, v reflect.Value) {
	known, names := map[string]field{}, []string{}
	for f := range fields(v.Type()) {
		known[f.key] = f
		names = append(names, f.key)
		if f.typ == reflect.TypeFor[Secret]() {
			known[f.key+"_file"] = f
			names = append(names, f.key+"_file")
		}
		if text, ok := f.tag.Lookup("default"); ok {
			if err := set(v.Field(f.index), text, f.tag); err != nil {
				panic(fmt.Sprintf("config: default of %s: %v", f.key, err)) // a mistake in this package
			}
		}
	}
	given := map[int]string{} // field → the key it was given by
	misspelt := map[string]bool{}
	if n != nil {
		if !d.is(path, n, yaml.MappingNode) {
			return
		}
		for _, p := range d.pairs(n) {
			if len(d.problems) > maxProblems {
				return // no need to look for what else could have been meant
			}
			key, value := p.key, p.value
			f, ok := known[key.Value]
			if !ok {
				d.at(key, suggestion(key.Value, v.Type(), names), "unknown key %s", quote(key.Value))
				misspelt[closest(key.Value, names)] = true
				continue
			}
			if other, ok := given[f.index]; ok {
				d.at(key, "keep one of them", "%s and %s are both given", other, key.Value)
				continue
			}
			given[f.index] = key.Value
			at := join(path, key.Value)
			d.where[at] = place(key, value)
			switch {
			// A section whose lines are all commented out is as good as left out.
			case isNull(value) && (isSection(f.typ) || f.typ.Kind() == reflect.Slice):
				delete(given, f.index)
			case key.Value != f.key:
				d.secretFile(at, value, v.Field(f.index))
			default:
				d.value(at, value, v.Field(f.index), f.tag)
			}
		}
	}
	for f := range fields(v.Type()) {
		if _, ok := given[f.index]; ok {
			continue
		}
		at := join(path, f.key)
		if f.tag.Get("required") != "" && !misspelt[f.key] {
			d.note(nearest(d.where, at), "for example "+f.tag.Get("example"), "%s is missing", at)
		}
		if isSection(f.typ) {
			d.value(at, nil, v.Field(f.index), f.tag)
		}
	}
}

// named decodes a mapping of free keys into a slice, in the order of the file.
func (d *decoder) named(path string, n *yaml.Node, v reflect.Value) {
	if !d.is(path, n, yaml.MappingNode) {
		return
	}
	for _, p := range d.pairs(n) {
		key, value := p.key, p.value
		e := reflect.New(v.Type().Elem()).Elem()
		at := join(path, key.Value)
		d.where[at] = place(key, key)
		name, tag := e.Field(0), e.Type().Field(0).Tag
		if err := set(name, key.Value, tag); err != nil {
			d.fault(at, key, err)
		}
		switch {
		case e.NumField() == 2 && e.Type().Field(1).Tag.Get("yaml") == ",value":
			d.value(at, value, e.Field(1), e.Type().Field(1).Tag)
		case isNull(value):
			d.value(at, nil, e, tag)
		default:
			d.value(at, value, e, tag)
		}
		v.Set(reflect.Append(v, e))
	}
}

// list decodes a sequence.
func (d *decoder) list(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if !d.is(path, n, yaml.SequenceNode) {
		return
	}
	for i, item := range n.Content {
		if d.aliased > maxAliased {
			return // reported; the rest of the list could be very long
		}
		e := reflect.New(v.Type().Elem()).Elem()
		at := fmt.Sprintf("%s[%d]", path, i)
		d.where[at] = place(item, item)
		d.value(at, item, e, tag)
		v.Set(reflect.Append(v, e))
	}
}

// is checks that n is a mapping or a sequence.
func (d *decoder) is(path string, n *yaml.Node, kind yaml.Kind) bool {
	if n.Kind == kind && (n.Tag == "!!map" || n.Tag == "!!seq") {
		return true
	}
	delete(d.where, path) // as if it were not there: nobody should miss keys in it
	what, hint := "a section of keys", ""
	if kind == yaml.SequenceNode && n.Kind == yaml.MappingNode {
		hint = `write "- " before the first key of each`
	}
	if kind == yaml.SequenceNode {
		what = "a list"
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			hint = "write [" + n.Value[:min(len(n.Value), 40)] + "]"
		}
		if strings.ContainsAny(n.Value, "\n[]{}") {
			hint = "write [one, another]"
		}
	}
	d.at(n, hint, "%sexpected %s, found %s", prefix(path), what, found(n))
	return false
}

// join makes the path of a key in a section.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// prefix introduces a message with the key it is about.
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// place says where to point for a key: at a plain value, or at the key of a section or list.
func place(key, value *yaml.Node) position {
	if value.Kind == yaml.ScalarNode && value.Value != "" {
		return position{value.Line, value.Column}
	}
	return position{key.Line, key.Column}
}
