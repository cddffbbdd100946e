package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver
)

// engine is a kind of database.
type engine int

const (
	postgres engine = iota
	mariadb
	sqlite
)

// connectTime is how long a server may take to answer at all.
const connectTime = 10 * time.Second

// options are those of the transaction.
func (e engine) options() *sql.TxOptions {
	if e == sqlite { // its connection can only read
		return nil
	}
	return &sql.TxOptions{ReadOnly: true}
}

// Check tells what is wrong with a DSN, without repeating it.
func Check(dsn string) error {
	_, db, err := open(dsn)
	if err == nil {
		db.Close()
	}
	return err
}

// open returns the database of a DSN. Nothing is dialled yet.
func open(dsn string) (engine, *sql.DB, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	var db *sql.DB
	var err error
	e := postgres
	switch scheme {
	case "postgres", "postgresql":
		db, err = openPostgres(dsn)
	case "mysql", "mariadb":
		e = mariadb
		db, err = openMySQL(dsn)
	case "sqlite":
		e = sqlite
		db, err = openSQLite(rest)
	default:
		err = errors.New("a database is named by sqlite:FILE, postgres://… or mysql://…")
	}
	if err != nil {
		return e, nil, err
	}
	db.SetMaxOpenConns(1)
	return e, db, nil
}

func openPostgres(dsn string) (*sql.DB, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the address of the database cannot be read") // the cause repeats it
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	c.RuntimeParams["application_name"] = "syndicate"
	// Types as the server tells them, and nothing that a pooler in between would lose.
	c.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	return stdlib.OpenDB(*c), nil
}

func openMySQL(dsn string) (*sql.DB, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("the address of the database is not like mysql://user:password@host/database")
	}
	c := mysql.NewConfig()
	c.User, c.DBName, c.Net = u.User.Username(), strings.Trim(u.Path, "/"), "tcp"
	c.Passwd, _ = u.User.Password()
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	c.Addr = net.JoinHostPort(u.Hostname(), port)
	for name, values := range u.Query() {
		switch name {
		case "socket":
			c.Net, c.Addr = "unix", values[0]
		case "tls":
			c.TLSConfig = values[0]
		default:
			return nil, fmt.Errorf("the address of the database has the parameter %q; there are socket and tls", name)
		}
	}
	c.Timeout = connectTime
	c.ParseTime, c.Loc = true, time.UTC
	c.Params = map[string]string{"time_zone": "'+00:00'"} // TIMESTAMP is in UTC then
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("the address of the database: %w", err)
	}
	return sql.OpenDB(connector), nil
}

func openSQLite(file string) (*sql.DB, error) {
	if file == "" {
		return nil, errors.New("after sqlite: comes the name of a file")
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: "mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(5000)"}
	return sql.Open("sqlite", u.String())
}

// limit makes a PostgreSQL server give up by itself, a moment after we did: of a
// connection that was torn it may learn much later.
func (e engine) limit(ctx context.Context, tx *sql.Tx, d time.Duration) error {
	if e != postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", (d+time.Second).Milliseconds()))
	return err
}
