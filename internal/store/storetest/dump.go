package storetest

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Dump returns everything that is in a database, a line a row, so that a test sees
// whether something changed.
func Dump(t testing.TB, dsn string) []string {
	t.Helper()
	driver, source, tables := "pgx", dsn, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source, tables = "sqlite", "file://"+path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var lines []string
	for _, table := range rowsOf(t, db, tables) {
		for _, row := range rowsOf(t, db, `SELECT * FROM "`+table+`"`) {
			lines = append(lines, table+": "+row)
		}
	}
	slices.SortFunc(lines, cmp.Compare[string])
	return lines
}

// rowsOf returns the rows of a query, their columns one after the other.
func rowsOf(t testing.TB, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var row strings.Builder
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			if i > 0 {
				row.WriteString(" | ")
			}
			fmt.Fprint(&row, v)
		}
		out = append(out, row.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
