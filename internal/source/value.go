package source

import "strings"

// value is what front matter holds, whatever it is written in. Scalars stay the
// text that the author wrote: a title may look like a number, a date like text.
type value struct {
	kind   kind
	text   string
	list   []value
	fields []field
	line   int // in the file, from 1; 0: unknown
	column int // from 1; 0: unknown
}

type field struct {
	name string // see fieldName
	value
}

type kind byte

const (
	isNull kind = iota
	isText
	isList
	isTable
)

// fieldName makes the names of Hugo, Jekyll and their themes alike:
// "publishDate", "publish_date" and "publishdate" are one.
func fieldName(s string) string {
	if strings.ContainsAny(s, "_- ") {
		s = strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)
	}
	return strings.ToLower(s)
}

// get returns the first of the named fields that holds something, nil if there is
// none.
func (v *value) get(names ...string) *value {
	for _, name := range names {
		for i := range v.fields {
			if f := &v.fields[i]; f.name == name && !f.empty() {
				return &f.value
			}
		}
	}
	return nil
}

// find is get, and then in the tables that Hugo and Zola keep for custom fields.
func (v *value) find(names ...string) *value {
	if f := v.get(names...); f != nil {
		return f
	}
	for _, table := range []string{"params", "extra", "taxonomies"} {
		if t := v.get(table); t != nil && t.kind == isTable {
			if f := t.get(names...); f != nil {
				return f
			}
		}
	}
	return nil
}

func (v *value) empty() bool {
	switch v.kind {
	case isText:
		return strings.TrimSpace(v.text) == ""
	case isList:
		return len(v.list) == 0
	case isTable:
		return len(v.fields) == 0
	}
	return true
}

// items returns the elements of a list, or the value itself as the only one.
func (v *value) items() []value {
	if v.kind == isList {
		return v.list
	}
	return []value{*v}
}

// scalar returns the text of a field, empty if it is missing or no text.
func (v *value) scalar(names ...string) string {
	if f := v.get(names...); f != nil && f.kind == isText {
		return f.text
	}
	return ""
}

// truth reads a yes or no; ok is false if it is neither.
func truth(s string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "on", "y", "1":
		return true, true
	case "false", "no", "off", "n", "0", "":
		return false, true
	}
	return false, false
}
