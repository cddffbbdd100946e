package roster_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	_ "time/tzdata" // the same zones on every machine

	"syndicate/internal/roster"
)

func TestZone(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Europe/Paris": "Europe/Paris", "europe/paris": "Europe/Paris", "EUROPE/PARIS": "Europe/Paris", "  Europe/Paris\u00a0": "Europe/Paris",
		"America/New York": "America/New_York", "america/new_york": "America/New_York", "America / new  york": "America/New_York",
		"america/port of spain": "America/Port_of_Spain", "Africa/dar es salaam": "Africa/Dar_es_Salaam", "america/port-au-prince": "America/Port-au-Prince",
		"america/argentina/buenos aires": "America/Argentina/Buenos_Aires", "antarctica/mcmurdo": "Antarctica/McMurdo",
		"utc": "UTC", "etc/gmt+5": "Etc/GMT+5", "est5edt": "EST5EDT", "us/eastern": "US/Eastern", "zulu": "Zulu", "australia/nsw": "Australia/NSW",

		"": "", " ": "", "Local": "", "local": "", "localtime": "", "Europe/Atlantis": "", "../../etc/passwd": "", "/etc/passwd": "", "Europe": "",
		"Europe/Paris/": "", "europe\\paris": "", "\x00": "", "Europe/Paris\x00": "", "<b>": "", strings.Repeat("x", 65): "", "Çelsius": "",
	} {
		got, ok := roster.Zone(typed)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", typed, got, ok, want)
		}
	}
}

// TestZoneKnowsAll: every zone of this machine is found by its name in small letters.
func TestZoneKnowsAll(t *testing.T) {
	t.Parallel()
	const folder = "/usr/share/zoneinfo"
	names := 0
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == "posix" || name == "right":
			return fs.SkipDir
		case d.IsDir() || strings.ContainsAny(name, ".") || strings.ToLower(name) == name:
			return nil
		}
		names++
		if got, ok := roster.Zone(strings.ReplaceAll(strings.ToLower(name), "_", " ")); !ok || got != name {
			t.Errorf("%s is %q", name, got)
		}
		return nil
	})
	if err != nil || names < 400 {
		t.Skipf("%d zones in %s: %v", names, folder, err)
	}
}
