package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect holds what differs between the engines. SQL is written once; tokens in
// double braces stand for the differences:
//
//	{{id}} {{key}} {{blob}} {{compact}} {{bigtable}}   in migrations
//	{{for update}} {{for update c}} {{skip locked c}}   row locks; SQLite has one writer anyway
//	{{clock}}                                          the database's time, ms
//	x {{in ints $1}}, x {{in strings $1}}              $1 is a JSON array
//	{{rows $1 a int, b text}}                          a subquery; $1 is a JSON array of arrays
//	{{these}}                                          WHERE of deliveries; see tx.change
//	{{postgres AND s.id > $1}}                         what only PostgreSQL is to be told
type dialect struct {
	name     string
	token    func(string) string
	classify func(error) error // the sentinel that an engine's error stands for, nil: none
	expanded *sync.Map         // SQL with tokens → SQL
}

var (
	tokenRE  = regexp.MustCompile(`\{\{([^}]*)\}\}`)
	listRE   = regexp.MustCompile(`^in (ints|strings) (\$\d+)$`)
	rowsRE   = regexp.MustCompile(`^rows (\$\d+) (.*)$`)
	lockedRE = regexp.MustCompile(`^(for update|skip locked) (\w+)$`)
	onlyRE   = regexp.MustCompile(`^postgres (.+)$`)
)

// expand replaces the tokens.
func (d *dialect) expand(query string) string {
	if !strings.Contains(query, "{{") {
		return query
	}
	if q, ok := d.expanded.Load(query); ok {
		return q.(string) //nolint:errcheck // only strings are put in
	}
	q := tokenRE.ReplaceAllStringFunc(query, func(t string) string { return d.token(t[2 : len(t)-2]) })
	d.expanded.Store(query, q)
	return q
}

// sqliteDialect is for modernc.org/sqlite. Pinned: mattn's driver binds a reused
// $N wrongly.
func sqliteDialect() *dialect {
	return &dialect{name: "sqlite", token: sqliteToken, classify: classifySQLite, expanded: new(sync.Map)}
}

func sqliteToken(t string) string {
	switch t {
	case "id":
		return "INTEGER PRIMARY KEY AUTOINCREMENT" // ids are in mailed links: never given twice
	case "key":
		return "PRIMARY KEY"
	case "blob":
		return "BLOB"
	case "compact", "bigtable":
		return " WITHOUT ROWID"
	case "for update":
		return ""
	case "clock":
		return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	case "these":
		return "WHERE chunk = $1 AND n = $2"
	}
	if m := listRE.FindStringSubmatch(t); m != nil {
		return "IN (SELECT value FROM json_each(" + m[2] + "))"
	}
	if m := rowsRE.FindStringSubmatch(t); m != nil {
		cols := strings.Split(m[2], ",")
		for i, c := range cols {
			cols[i] = fmt.Sprintf("value->>%d AS %s", i, strings.Fields(c)[0])
		}
		return "(SELECT " + strings.Join(cols, ", ") + " FROM json_each(" + m[1] + "))"
	}
	if lockedRE.MatchString(t) || onlyRE.MatchString(t) {
		return ""
	}
	panic("store: unknown token " + t)
}

func classifySQLite(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_CONSTRAINT:
		return ErrConflict
	}
	return nil
}

// postgresDialect is for pgx.
func postgresDialect() *dialect {
	return &dialect{name: "postgres", token: postgresToken, classify: classifyPostgres, expanded: new(sync.Map)}
}

func postgresToken(t string) string {
	switch t {
	case "id":
		return "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	case "key":
		return "PRIMARY KEY"
	case "blob":
		return "BYTEA"
	case "compact":
		return ""
	case "bigtable":
		return " WITH (fillfactor = 70)" // room on the page for updates in place
	case "for update":
		return " FOR UPDATE"
	case "clock":
		return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
	case "these":
		return "FROM unnest($1::bigint[], $2::bigint[]) AS these (c, i) WHERE chunk = these.c AND n = these.i"
	}
	if m := listRE.FindStringSubmatch(t); m != nil {
		elems := "jsonb_array_elements_text(" + m[2] + "::text::jsonb)"
		if m[1] == "ints" {
			elems += "::bigint"
		}
		return "= ANY(ARRAY(SELECT " + elems + "))"
	}
	if m := rowsRE.FindStringSubmatch(t); m != nil {
		cols := strings.Split(m[2], ",")
		for i, c := range cols {
			f := strings.Fields(c)
			typ := "bigint"
			if f[1] == "text" {
				typ = "text"
			}
			cols[i] = fmt.Sprintf("(value->>%d)::%s AS %s", i, typ, f[0])
		}
		return "(SELECT " + strings.Join(cols, ", ") + " FROM jsonb_array_elements(" + m[1] + "::text::jsonb) AS elements(value))"
	}
	if m := lockedRE.FindStringSubmatch(t); m != nil {
		if m[1] == "skip locked" {
			return " FOR UPDATE OF " + m[2] + " SKIP LOCKED"
		}
		return " FOR UPDATE OF " + m[2]
	}
	if m := onlyRE.FindStringSubmatch(t); m != nil {
		return " " + m[1]
	}
	panic("store: unknown token " + t)
}

func classifyPostgres(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return ErrBusy
	case "23505": // unique violation
		return ErrConflict
	}
	return nil
}
