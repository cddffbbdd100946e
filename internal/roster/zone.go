package roster

import (
	"strings"
	"time"
)

const maxZone = 64 // bytes of a name that is looked up

// oddZones are those whose capitals follow no rule.
var oddZones = []string{
	"America/Argentina/ComodRivadavia", "America/Knox_IN", "Antarctica/DumontDUrville", "Antarctica/McMurdo", "Brazil/DeNoronha",
	"Chile/EasterIsland", "GB-Eire", "Mexico/BajaNorte", "Mexico/BajaSur",
}

// Zone returns the name of a time zone as the time zone database writes it, whatever
// the capitals, and with spaces for its underscores: "Europe/Paris" for
// "europe/paris", "America/New_York" for "America/New York". False: there is none.
func Zone(typed string) (name string, ok bool) {
	parts := strings.Split(typed, "/")
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), "_")
	}
	name = strings.Join(parts, "/")
	switch lower := strings.ToLower(name); {
	case name == "" || len(name) > maxZone, lower == "local", lower == "localtime": // another one on another machine
		return "", false
	}
	for _, odd := range oddZones {
		if strings.EqualFold(name, odd) {
			return odd, true
		}
	}
	area, place, _ := strings.Cut(name, "/")
	for _, spelling := range []string{
		capitals(name), strings.ToUpper(name),
		strings.ToUpper(area) + "/" + capitals(place), // US/Eastern
		capitals(area) + "/" + strings.ToUpper(place), // Etc/GMT+1, Australia/NSW
		name,
	} {
		if _, err := time.LoadLocation(spelling); err == nil {
			return spelling, true
		}
	}
	return "", false
}

// capitals writes each word of a name with a capital, but the small ones within:
// "America/Port_of_Spain".
func capitals(name string) string {
	b := []byte(strings.ToLower(name))
	for i := 0; i < len(b); i++ {
		start := i
		for i < len(b) && b[i] != '/' && b[i] != '_' && b[i] != '-' {
			i++
		}
		first := start == 0 || b[start-1] == '/'
		if word := string(b[start:i]); start < i && (first || word != "of" && word != "au" && word != "es") && 'a' <= b[start] && b[start] <= 'z' {
			b[start] -= 'a' - 'A'
		}
	}
	return string(b)
}
