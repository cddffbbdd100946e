package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/config"
)

func TestNotices(t *testing.T) {
	t.Parallel()
	file := `site: {title: T, url: "https://example.org"}
newsletters:
  weekly: {title: W, from: a@example.org}
  daily: {title: D, from: a@daily.example.org}
  other: {title: O, from: a@notexample.org}
dkim: [{domain: Example.org., selector: s1, key_file: keys/s1.pem}]
`
	c, err := config.Parse("config.yaml", []byte(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Notices() {
		got = append(got, p.Error())
	}
	want := []string{
		"config.yaml:5:27: no key in dkim is for notexample.org: nothing signs the mail of other; syndicate dkim keygen notexample.org makes keys",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("notices (- want, + got):\n%s", d)
	}
}
