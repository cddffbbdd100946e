package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// Secret is a password or key that does not print itself, whatever prints it: fmt, slog, encoding/json.
// The zero Secret is one that was not given.
type Secret struct {
	// A pointer, because fmt shows the fields of structs it cannot call methods on.
	value *string
}

// NewSecret keeps s.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the secret itself, empty if there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet tells whether there is a secret.
func (s Secret) IsSet() bool { return s.Reveal() != "" }

// String is "[secret]", or empty if there is none.
func (s Secret) String() string {
	if !s.IsSet() {
		return ""
	}
	return "[secret]"
}

// Format writes String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String; encoding/json and encoding/xml use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String in quotation marks.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// DSN names a database: sqlite:FILE or postgres://… It prints itself without the password it may hold.
type DSN struct {
	safe string
	full Secret
}

// Engine is sqlite or postgres.
func (s DSN) Engine() string {
	if strings.HasPrefix(s.safe, "sqlite:") {
		return "sqlite"
	}
	return "postgres"
}

// Reveal returns the whole of it, as written.
func (s DSN) Reveal() string { return s.full.Reveal() }

// String is the DSN without its password.
func (s DSN) String() string { return s.safe }

// LogValue is String.
func (s DSN) LogValue() slog.Value { return slog.StringValue(s.safe) }

// MarshalText is String.
func (s DSN) MarshalText() ([]byte, error) { return []byte(s.safe), nil }

// parseDSN never puts s into an error: it may hold a password.
func parseDSN(s string) (DSN, error) {
	const want = "sqlite:data/syndicate.db or postgres://user@host/database"
	if file, ok := strings.CutPrefix(s, "sqlite:"); ok {
		if file == "" || strings.HasPrefix(file, "//") || strings.Contains(file, "?") {
			return DSN{}, wrong("write sqlite:data/syndicate.db", "after sqlite: comes the name of a file and nothing else")
		}
		return DSN{safe: s, full: NewSecret(s)}, nil
	}
	scheme, _, _ := strings.Cut(s, ":")
	if scheme != "postgres" && scheme != "postgresql" {
		return DSN{}, wrong("write "+want, "expected sqlite: or postgres://")
	}
	u, err := url.Parse(s)
	// Where there are two of them, parsers do not agree where the password ends.
	if strings.Count(s, "@") > 1 || err == nil && strings.Contains(u.Path, "@") {
		return DSN{}, wrong("write %40 for @ in a user name or password, %3A for :, %2F for /", "the address has an @ that is not encoded")
	}
	if err != nil || !strings.HasPrefix(s, scheme+"://") {
		return DSN{}, wrong("in a password, characters such as @ / # ? % have to be percent-encoded", "not a valid %s:// address", scheme)
	}
	if u.Fragment != "" {
		return DSN{}, wrong("write %23 for # in a password", "nothing may follow #")
	}
	// libpq also takes the password as a parameter.
	if q := u.Query(); q.Has("password") {
		return DSN{}, wrong("write postgres://user:password@host/database", "the password does not belong into the parameters")
	}
	return DSN{safe: u.Redacted(), full: NewSecret(s)}, nil
}
