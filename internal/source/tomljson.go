package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// parseTOML reads TOML front matter whose first line is line of the file.
func parseTOML(text string, line int) (value, *Problem) {
	var table map[string]any
	if err := toml.Unmarshal([]byte(text), &table); err != nil {
		p := &Problem{Line: line, Message: "front matter is not valid TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
		var de *toml.DecodeError
		if errors.As(err, &de) {
			row, column := de.Position()
			p.Line, p.Column = line+row-1, column
			p.Hint = "text needs quotes in TOML, and fields are written name = value"
		}
		return value{}, p
	}
	v, problem := fromAny(table, 0)
	placeFields(&v, text, line)
	return v, problem
}

// parseJSON reads the JSON object at the beginning of a file and returns where it
// ends.
func parseJSON(text string) (value, int, *Problem) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var table map[string]any
	if err := d.Decode(&table); err != nil {
		offset := int(d.InputOffset())
		var se *json.SyntaxError
		if errors.As(err, &se) {
			offset = int(se.Offset) - 1
		}
		message := strings.TrimPrefix(err.Error(), "json: ")
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			offset, message = len(text), "it never ends"
		}
		p := problemAt([]byte(text), min(max(offset, 0), len(text)), "front matter is not valid JSON: "+message)
		p.Hint = "fields are written \"name\": value, with commas between them and none after the last"
		return value{}, 0, p
	}
	end := int(d.InputOffset())
	if end > maxMatter {
		return value{}, 0, &Problem{Line: 1, Message: "front matter is longer than 64 KB"}
	}
	v, problem := fromAny(table, 0)
	placeFields(&v, text[:end], 1)
	return v, end, problem
}

// fromAny turns what the TOML and JSON decoders return into a value.
func fromAny(x any, depth int) (value, *Problem) {
	if depth > maxDepth {
		return value{}, &Problem{Line: 1, Message: "front matter is nested too deeply"}
	}
	text := func(s string) (value, *Problem) { return value{kind: isText, text: s}, nil }
	switch x := x.(type) {
	case nil:
		return value{}, nil
	case string:
		return text(strings.ToValidUTF8(x, ""))
	case bool:
		return text(strconv.FormatBool(x))
	case int64:
		return text(strconv.FormatInt(x, 10))
	case float64:
		return text(strconv.FormatFloat(x, 'g', -1, 64))
	case json.Number:
		return text(x.String())
	case time.Time:
		return text(x.Format(time.RFC3339Nano))
	case toml.LocalDate, toml.LocalDateTime, toml.LocalTime:
		return text(fmt.Sprint(x))
	case []any:
		v := value{kind: isList}
		for _, item := range x {
			y, problem := fromAny(item, depth+1)
			if problem != nil {
				return v, problem
			}
			v.list = append(v.list, y)
		}
		return v, nil
	case map[string]any:
		v := value{kind: isTable}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			y, problem := fromAny(x[name], depth+1)
			if problem != nil {
				return v, problem
			}
			v.fields = append(v.fields, field{name: fieldName(name), value: y})
		}
		return v, nil
	}
	return text(fmt.Sprint(x))
}

// placeFields finds the lines of the topmost fields, for what is to be said about
// them; the decoders do not tell.
func placeFields(v *value, text string, line int) {
	for l := range strings.Lines(text) {
		name := strings.TrimLeft(l, " \t{[,")
		indent := utf8.RuneCountInString(l) - utf8.RuneCountInString(name)
		if i := strings.IndexAny(name, "=:]"); i > 0 {
			name = fieldName(strings.Trim(strings.TrimSpace(name[:i]), `"'`))
			for i := range v.fields {
				if f := &v.fields[i]; f.name == name && f.line == 0 {
					f.line, f.column = line, indent+1
				}
			}
		}
		line++
	}
}
