package newsletter_test

import (
	"strings"
	"testing"

	"syndicate/internal/newsletter"
)

func TestSelectionMatches(t *testing.T) {
	t.Parallel()
	a := &newsletter.Article{
		Language: "fr-CA", Section: "food/bread", Tags: []string{"Mer", "pain"}, Authors: []newsletter.Author{{Name: "Anne"}},
	}
	for name, c := range map[string]struct {
		s    newsletter.Selection
		want bool
	}{
		"everything":          {newsletter.Selection{}, true},
		"tag in another case": {newsletter.Selection{Tags: []string{"web", "mer"}}, true},
		"no such tag":         {newsletter.Selection{Tags: []string{"web"}}, false},
		"language":            {newsletter.Selection{Languages: []string{"fr"}}, true},
		"longer language":     {newsletter.Selection{Languages: []string{"fr-CA-x"}}, false},
		"prefix, no language": {newsletter.Selection{Languages: []string{"f"}}, false},
		"author":              {newsletter.Selection{Authors: []string{"anne"}}, true},
		"section above":       {newsletter.Selection{Sections: []string{"food"}}, true},
		"section below":       {newsletter.Selection{Sections: []string{"food/bread/rye"}}, false},
		"section, a prefix":   {newsletter.Selection{Sections: []string{"foo"}}, false},
		"all lists must fit":  {newsletter.Selection{Tags: []string{"mer"}, Languages: []string{"en"}}, false},
	} {
		if got := c.s.Matches(a); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestHoldVanished(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		known, vanished int
		want            bool
	}{
		{0, 0, false},
		{10, 0, false},
		{10, 1, false},
		{10, 4, false},
		{10, 5, true},
		{4, 4, true},
		{1, 1, true},
		{100, 10, false},
		{100, 11, true},
		{40, 5, true},
		{50, 5, false},
	} {
		if got := newsletter.HoldVanished(c.known, c.vanished); got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.vanished, c.known, got, c.want)
		}
	}
}

func TestArticleURL(t *testing.T) {
	t.Parallel()
	for permalink, want := range map[string]string{
		"":                        "https://news.example.org/articles/bread",
		"/2026/bread/":            "https://news.example.org/2026/bread/",
		"https://example.net/b/c": "https://example.net/b/c",
	} {
		a := newsletter.Article{Slug: "bread", Permalink: permalink}
		if got := a.URL("https://news.example.org"); got != want {
			t.Errorf("permalink %q: %s, want %s", permalink, got, want)
		}
	}
}

func TestTopicsRoundTrip(t *testing.T) {
	t.Parallel()
	if got := newsletter.JoinTopics([]string{"Web", " sea ", "web", "", "a|b"}); got != "a b|sea|web" {
		t.Errorf("JoinTopics: %q", got)
	}
	if got := newsletter.JoinTopics(newsletter.SplitTopics("sea|web")); got != "sea|web" {
		t.Errorf("round trip: %q", got)
	}
	if got := newsletter.SplitTopics(""); got != nil {
		t.Errorf("no topics: %v", got)
	}
}

func TestDomainGroup(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"gmail.com": "gmail", "GoogleMail.com": "gmail", "hotmail.fr": "outlook", "live.co.uk": "outlook", "yahoo.co.jp": "yahoo",
		"me.com": "icloud", "example.org": "example.org", "yahoo-fans.example": "yahoo-fans.example",
	} {
		if got := newsletter.DomainGroup(domain); got != want {
			t.Errorf("DomainGroup(%q) = %q, want %q", domain, got, want)
		}
	}
}

func TestReadingMinutes(t *testing.T) {
	t.Parallel()
	for words, want := range map[int]int{0: 0, 1: 1, 220: 1, 221: 2, 2200: 10} {
		a := newsletter.Article{Body: strings.Repeat("word\n ", words)}
		if got := a.ReadingMinutes(); got != want {
			t.Errorf("%d words: %d minutes, want %d", words, got, want)
		}
	}
}
