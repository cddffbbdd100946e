package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxSecret is the largest secret file that is read, in bytes.
const maxSecret = 64 << 10

// scalar decodes one value.
func (d *decoder) scalar(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if n.Kind != yaml.ScalarNode {
		d.at(n, "", "%s: expected %s, found %s", path, wanted(v, tag), found(n))
		return
	}
	text, expanded := n.Value, false
	switch n.Tag {
	case "!!null":
		d.at(n, "give it one or take the line out", "%s has no value", path)
		return
	case "!!str":
		var err error
		if text, err = d.expand(n.Value); err != nil {
			d.fault(path, n, err)
			return
		}
		expanded = text != n.Value
	case "!!int", "!!float", "!!bool", "!!timestamp", "!!merge":
	default:
		d.at(n, "take the tag away", "%s: the tag %s is not understood", path, quote(n.Tag))
		return
	}
	if hint, ok := rightType(n, v, expanded); !ok {
		d.fault(path, n, fault{expected: wanted(v, tag), hint: hint})
		return
	}
	if text == "" && !optional(v, tag) {
		d.at(n, "give it one or take the line out", "%s has no value", path)
		return
	}
	// A bad value leaves the default in place, so that what depends on it is not wrong as well.
	good := reflect.New(v.Type()).Elem()
	if err := set(good, text, tag); err != nil {
		d.fault(path, n, err)
		return
	}
	v.Set(good)
}

// rightType compares what YAML takes a value for with what the key wants. Numbers and dates are text
// where text is wanted, just as they are written; words from the environment are whatever is wanted.
func rightType(n *yaml.Node, v reflect.Value, expanded bool) (hint string, ok bool) {
	unquoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	switch v.Interface().(type) {
	case int:
		_, err := strconv.Atoi(n.Value)
		if err == nil && !unquoted {
			hint = "take the quotation marks away"
		}
		return hint, n.Tag == "!!int" || expanded
	case bool:
		return "write true or false", n.Tag == "!!bool" || expanded
	case string:
		return "put it in quotation marks", n.Tag != "!!bool"
	}
	return "", n.Tag != "!!bool"
}

// optional tells whether an empty text is as good as none.
func optional(v reflect.Value, tag reflect.StructTag) bool {
	_, isText := v.Interface().(string)
	kind := tag.Get("kind")
	return isText && (kind == "" || kind == "text") && tag.Get("default") == "" && tag.Get("required") == ""
}

// wanted describes what a key takes.
func wanted(v reflect.Value, tag reflect.StructTag) string {
	switch v.Interface().(type) {
	case int:
		low, high, _ := strings.Cut(tag.Get("range"), "..")
		return "a whole number from " + low + " to " + high
	case bool:
		return "true or false"
	case string:
		if list := tag.Get("oneof"); list != "" {
			return words(strings.Fields(list))
		}
		want, _ := kind(tag.Get("kind"))
		return want
	}
	// The parsers of the other types say it themselves.
	return cmp.Or(faultOf(set(reflect.New(v.Type()).Elem(), "", tag)).expected, "text")
}

// faultOf returns the fault in err.
func faultOf(err error) fault {
	f, _ := errors.AsType[fault](err)
	return f
}

// fault notes what is wrong with the value n.
func (d *decoder) fault(path string, n *yaml.Node, err error) {
	f := faultOf(err)
	if f.message == "" {
		// Shown as it stands in the file: what ${NAME} stands for may be a secret.
		f.message = fmt.Sprintf("expected %s, found %s", f.expected, found(n))
		if strings.Contains(n.Value, "${") {
			f.message += " (from the environment)"
		}
	}
	d.at(n, f.hint, "%s: %s", path, f.message)
}

// set parses text into v: a value of the file, a default or the end of a range.
func set(v reflect.Value, text string, tag reflect.StructTag) (err error) {
	switch p := v.Addr().Interface().(type) {
	case *string:
		if list := strings.Fields(tag.Get("oneof")); len(list) > 0 {
			return oneOf(p, text, list)
		}
		_, check := kind(tag.Get("kind"))
		*p, err = check(text)
	case *int:
		if *p, err = strconv.Atoi(text); err != nil {
			return expected(wanted(v, tag))
		}
	case *bool:
		if text != "true" && text != "false" {
			return fault{expected: "true or false"}
		}
		*p = text == "true"
	case *time.Duration:
		*p, err = parseDuration(text)
	case *Period:
		if *p, err = parsePeriod(text); *p == Never {
			return nil
		}
	case *Rate:
		*p, err = parseRate(text)
	case *Date:
		*p, err = parseDate(text)
	case *Factor:
		*p, err = parseFactor(text)
	case *Share:
		*p, err = parseShare(text)
	case *Clock:
		*p, err = parseClock(text)
	case *mail.Address:
		*p, err = parseAddress(text, tag.Get("kind") == "bare")
	case **time.Location:
		*p, err = parseZone(text)
	case *netip.Prefix:
		*p, err = parsePrefix(text)
	case *Secret:
		*p = NewSecret(text)
	case *DSN:
		*p, err = parseDSN(text)
	default:
		panic(fmt.Sprintf("config: no way to read a %s", v.Type())) // a mistake in this package
	}
	if err != nil {
		return err
	}
	return inRange(v, tag)
}

func oneOf(p *string, text string, list []string) error {
	for _, word := range list {
		if text == word {
			*p = text
			return nil
		}
	}
	f := fault{expected: words(list)}
	if meant := closest(text, list); meant != "" {
		f.hint = "did you mean " + quote(meant) + "?"
	}
	return f
}

// expand replaces ${NAME} by what the environment has for it, and $${ by ${. A $ before anything else
// is just a $.
func (d *decoder) expand(s string) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "${")
		if !ok {
			b.WriteString(s)
			return b.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			s = rest
			continue
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok || !isVariable(name) {
			return "", wrong("write $${ for the two characters themselves", "after ${ comes the name of an environment variable and then }")
		}
		value, ok := d.env(name)
		if !ok {
			return "", wrong("set it, or write $${"+name+"} if that is the text", "the environment variable %s is not set", name)
		}
		b.WriteString(before + value)
		s = after
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 100
}

// secretFile reads a secret from the file that the key path names.
func (d *decoder) secretFile(path string, n *yaml.Node, v reflect.Value) {
	var file string
	before := len(d.problems)
	d.value(path, n, reflect.ValueOf(&file).Elem(), `kind:"path" required:"true"`)
	if len(d.problems) > before {
		return
	}
	secret, err := readSecret(file, d.dir)
	if err != nil {
		d.fault(path, n, err)
		return
	}
	v.Set(reflect.ValueOf(secret))
}

// readSecret reads a file of one line; dir is where relative names start.
func readSecret(file, dir string) (Secret, error) {
	name := file
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	cannot := func(err error) error {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // its path stands in the message already
		}
		return wrong("relative names start at the folder of the configuration file", "cannot read %s: %v", quote(name), err)
	}
	// Reading a pipe or a device could wait for ever.
	switch info, err := os.Stat(file); {
	case err != nil:
		return Secret{}, cannot(err)
	case !info.Mode().IsRegular():
		return Secret{}, cannot(errors.New("not a regular file"))
	}
	f, err := os.Open(file)
	if err != nil {
		return Secret{}, cannot(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case err != nil:
		return Secret{}, cannot(err)
	case len(data) > maxSecret:
		return Secret{}, wrong("", "%s is larger than %d bytes", quote(name), maxSecret)
	case text == "":
		return Secret{}, wrong("", "%s is empty", quote(name))
	case strings.ContainsAny(text, "\r\n\x00"):
		return Secret{}, wrong("keep only the secret in it", "%s has more than one line", quote(name))
	}
	return NewSecret(text), nil
}
