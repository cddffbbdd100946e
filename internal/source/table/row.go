package table

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"syndicate/internal/source/remote"
)

// column is one of a query's result.
type column struct {
	name   string
	kind   string   // the database's name of its type
	fields []string // what it is of an article, as in foldName
}

// The fields that a row is read by here; the others are read as those of front matter.
const (
	idField   = "id"
	bodyField = "body"
)

// dates are the fields that numbers may stand for: seconds, or milliseconds, of Unix.
var dates = map[string]bool{
	"publishdate": true, "date": true, "published": true, "publishedat": true, "pubdate": true, "created": true,
	"lastmod": true, "updated": true, "modified": true, "lastmodified": true, "lastmodifiedat": true, "updatedat": true,
}

// prose are the fields whose text is never anything else.
var prose = map[string]bool{idField: true, bodyField: true, "title": true, "summary": true, "description": true, "excerpt": true, "section": true}

// foldName makes the names of fields alike, as front matter does.
func foldName(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// head reads what columns there are.
func (x *reading) head(rows *sql.Rows) error {
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	x.columns, x.cursor = make([]column, len(types)), -1
	at := map[string]int{}
	for i, t := range types {
		x.columns[i] = column{name: t.Name(), kind: strings.ToUpper(t.DatabaseTypeName())}
		at[strings.ToLower(t.Name())] = i
	}
	mapped := map[string]bool{}
	for field, name := range x.o.Columns {
		i, ok := at[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("the query gives no column %s, which columns says is %s", name, field)
		}
		x.columns[i].fields = append(x.columns[i].fields, foldName(field))
		mapped[foldName(field)] = true
	}
	for i := range x.columns {
		if f := foldName(x.columns[i].name); len(x.columns[i].fields) == 0 && !mapped[f] {
			x.columns[i].fields, mapped[f] = []string{f}, true
		}
	}
	if x.o.Cursor != "" {
		i, ok := at[strings.ToLower(x.o.Cursor)]
		if !ok {
			return fmt.Errorf("the query does not give its cursor, the column %s", x.o.Cursor)
		}
		x.cursor = i
	}
	for _, f := range []string{idField, bodyField} {
		if !mapped[f] {
			return fmt.Errorf("the query gives no column %s; name one so, or say under columns which one it is", f)
		}
	}
	return nil
}

// row makes an article of a row. One that cannot be understood stays out, and what it
// was before stays.
func (x *reading) row(n int, values []any) error {
	if x.cursor >= 0 {
		if err := x.mark.raise(values[x.cursor], x.o.Now()); err != nil {
			return fmt.Errorf("the cursor %s: %w", x.o.Cursor, err)
		}
	}
	fields := map[string]any{}
	size, id, body := 0, "", ""
	for i, v := range values {
		c := &x.columns[i]
		for _, f := range c.fields {
			value := x.value(c, f, v)
			if value == nil {
				continue
			}
			text, _ := value.(string)
			size += len(text)
			switch f {
			case idField:
				id = strings.TrimSpace(fmt.Sprint(value))
				fields[f] = id
			case bodyField:
				body = fmt.Sprint(value)
			default:
				fields[f] = value
			}
		}
	}
	switch {
	case id == "":
		return fmt.Errorf("row %d of the query has no id", n)
	case x.ids[id]:
		x.tell(fmt.Sprintf("several rows have the id %.60s; the first is taken", id), "a join may do that: let the query give a row for each article")
		return nil
	}
	x.ids[id] = true
	if x.text += size; size > maxRow {
		x.tell(fmt.Sprintf("the row with the id %.60s is left out: it has more than %d MB", id, maxRow>>20), "")
		return nil
	}
	a, problems := x.o.Parser.Fields(x.o.Format, fields, body)
	out := false
	for _, p := range problems {
		if out = out || !p.Warning; !p.Warning {
			x.tell(fmt.Sprintf("the row with the id %.60s is left out: %s", id, p.Message), p.Hint)
		} else {
			x.tell(fmt.Sprintf("the row with the id %.60s: %s", id, p.Message), p.Hint)
		}
	}
	if !out {
		a.Key, a.File = "", ""
		x.answer.Items = append(x.answer.Items, remote.Item{ID: id, Article: a})
	}
	return nil
}

// tell warns of a row, unless there are too many.
func (x *reading) tell(message, hint string) {
	if len(x.answer.Problems) >= maxTold {
		x.untold++
		return
	}
	x.warn(message, hint)
}

// value makes of what a driver gives what front matter could hold; nil: nothing.
func (x *reading) value(c *column, field string, v any) any {
	switch v := v.(type) {
	case time.Time:
		return x.date(c, v)
	case []byte:
		return x.textValue(c, field, string(v))
	case string:
		return x.textValue(c, field, v)
	case int64:
		if dates[field] && v > 1e8 {
			if v > 1e11 {
				return time.UnixMilli(v).UTC()
			}
			return time.Unix(v, 0).UTC()
		}
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return nil
	}
	return fmt.Sprint(v)
}

// date places a time that has no zone.
func (x *reading) date(c *column, t time.Time) any {
	if t.IsZero() { // MySQL's 0000-00-00
		return nil
	}
	zoned := c.kind == "TIMESTAMPTZ" || x.engine == mariadb && c.kind == "TIMESTAMP"
	if x.engine == sqlite { // the text had a zone, or is taken for UTC
		_, offset := t.Zone()
		zoned = offset != 0
	}
	if !zoned {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), x.o.Location)
	}
	return t
}

// textValue reads lists and tables: PostgreSQL's arrays, and JSON.
func (x *reading) textValue(c *column, field, text string) any {
	if x.engine == postgres && strings.HasPrefix(c.kind, "_") {
		var list []string
		if pgtype.NewMap().SQLScanner(&list).Scan(text) == nil {
			out := make([]any, len(list))
			for i, s := range list {
				out[i] = s
			}
			return out
		}
	}
	if !prose[field] && text != "" && (text[0] == '[' || text[0] == '{') {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil && !d.More() {
			return v
		}
	}
	return text
}
