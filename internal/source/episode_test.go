package source_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
)

// What front matter says of a podcast, wherever themes have it.
func TestEpisodes(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, c := range []struct {
		matter string
		want   *newsletter.Episode
	}{
		{"audio: /a.mp3", nil},
		{"season: 1\nepisode: 2", nil}, // of what?
		{"audio: /a.mp3\nseason: 1\nepisode: 2", &newsletter.Episode{Season: 1, Number: 2}},
		{"audio: /a.mp3\nepisode: {season: 1, number: 2, episodeType: Bonus}", &newsletter.Episode{Season: 1, Number: 2, Type: "bonus"}},
		{"podcast: {url: /a.mp3, season: 1, episode: 2, explicit: yes}", &newsletter.Episode{Season: 1, Number: 2, Explicit: &yes}},
		{"podcast: {season: 1, episode: 2}\naudio: /a.mp3", &newsletter.Episode{Season: 1, Number: 2}},
		{"enclosures: [{url: /a.mp3, episode: 2}]\nseason: 1", &newsletter.Episode{Season: 1, Number: 2}},
		{"params: {audio: /a.mp3, episode: 2}", &newsletter.Episode{Number: 2}},
		{"podcast_file: /a.mp3\nexplicit: clean", &newsletter.Episode{Explicit: &no}},
		{"audio: /a.mp3\nepisode: two", nil},
		{"audio: /a.mp3\nepisode: -2", nil},
		{"audio: /a.mp3\nepisode: [2]", nil},
		{"audio: /a.mp3\nepisodeType: long", nil},
		{"audio: /a.mp3\nexplicit: perhaps", nil},
		{"audio: /a.mp3\nchapters: https://example.org/a.json\ntranscript: /a.vtt", &newsletter.Episode{ChaptersURL: "https://example.org/a.json", Transcript: "/a.vtt"}},
		{"audio: /a.mp3\nchapters: 'javascript:alert(1)'", nil},
		{
			"audio: /a.mp3\nchapters: ['0:00 Start', '1:01.5 The pier', '1:2:3:4 No', 'x', '']",
			&newsletter.Episode{Chapters: []newsletter.Chapter{{Title: "Start"}, {Start: 61*time.Second + 500*time.Millisecond, Title: "The pier"}}},
		},
		{
			"audio: /a.mp3\nchapters:\n- {start: 1h2m3s, title: Later, url: 'https://example.org/x'}\n- {time: 5, name: Early, url: 'javascript:x'}\n- {title: When}",
			&newsletter.Episode{Chapters: []newsletter.Chapter{{Start: time.Hour + 2*time.Minute + 3*time.Second, Title: "Later", URL: "https://example.org/x"}, {Start: 5 * time.Second, Title: "Early"}}},
		},
	} {
		t.Run(c.matter, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile("a.md", []byte("---\n"+c.matter+"\n---\n# Heading\n"))
			if diff := cmp.Diff(c.want, a.Episode); diff != "" || !ok {
				t.Errorf("(-want +got)\n%s%v", diff, problems)
			}
		})
	}
}

func TestEnclosuresOfThemes(t *testing.T) {
	t.Parallel()
	for matter, want := range map[string][]newsletter.Enclosure{
		"podcast_file: /a.mp3\npodcast_duration: '1:02:03'\npodcast_bytes: 3221225472": {{URL: "/a.mp3", Type: "audio/mpeg", Size: 3 << 30, Duration: time.Hour + 2*time.Minute + 3*time.Second}},
		"audio: /a.mp3\nduration: 90":                              {{URL: "/a.mp3", Type: "audio/mpeg", Duration: 90 * time.Second}},
		"audio: /a.mp3\npodcast: {duration: 90, length: 7}":        {{URL: "/a.mp3", Type: "audio/mpeg", Size: 7, Duration: 90 * time.Second}},
		"audio: /a.mp3\npodcast: /a.mp3":                           {{URL: "/a.mp3", Type: "audio/mpeg"}},
		"audio: {url: /a.mp3, length: 9223372036854775808}":        {{URL: "/a.mp3", Type: "audio/mpeg"}},
		"audio: {url: /a.mp3, duration: .nan}":                     {{URL: "/a.mp3", Type: "audio/mpeg"}},
		"audio: {url: /a.mp3, length: 1, duration: 30}\nlength: 9": {{URL: "/a.mp3", Type: "audio/mpeg", Size: 1, Duration: 30 * time.Second}},
	} {
		t.Run(matter, func(t *testing.T) {
			t.Parallel()
			a, problems, _ := testDir(t).ParseFile("a.md", []byte("---\n"+matter+"\n---\n# Heading\n"))
			if diff := cmp.Diff(want, a.Enclosures); diff != "" {
				t.Errorf("(-want +got)\n%s%v", diff, problems)
			}
		})
	}
}

func TestRightsAndOrigins(t *testing.T) {
	t.Parallel()
	type said struct {
		License, Copyright string
		Origin             *newsletter.Origin
		Problem            string
	}
	for _, c := range []struct {
		matter string
		want   said
	}{
		{"license: https://example.org/terms", said{License: "https://example.org/terms"}},
		{"license: CC BY-SA 4.0", said{License: "https://creativecommons.org/licenses/by-sa/4.0/"}},
		{"licence: cc-by-nc-nd", said{License: "https://creativecommons.org/licenses/by-nc-nd/4.0/"}},
		{"license: CC-BY-2.5", said{License: "https://creativecommons.org/licenses/by/2.5/"}},
		{"license: CC0-1.0", said{License: "https://creativecommons.org/publicdomain/zero/1.0/"}},
		{"license: false", said{}},
		{"license: MIT", said{Problem: `license: "MIT" is neither an address nor a licence of Creative Commons; it is not used`}},
		{"license: 'javascript:x'", said{Problem: `license: "javascript:x" is neither an address nor a licence of Creative Commons; it is not used`}},
		{"copyright: '© 2026  Ines'", said{Copyright: "© 2026 Ines"}},
		{"copyright: true", said{}},
		{"canonicalURL: https://elsewhere.example.net/a", said{Origin: &newsletter.Origin{URL: "https://elsewhere.example.net/a"}}},
		{"canonical_url: https://elsewhere.example.net/a", said{Origin: &newsletter.Origin{URL: "https://elsewhere.example.net/a"}}},
		{"canonical: https://news.example.org/articles/a", said{}}, // the site's own
		{"canonical: https://news.example.organic/a", said{Origin: &newsletter.Origin{URL: "https://news.example.organic/a"}}},
		{"canonical: true", said{}},
		{"canonical: /articles/a", said{}},
		{"url: https://notes.example.net/a\ncanonical: https://notes.example.net/a", said{}},
		{"source: https://elsewhere.example.net/a", said{Origin: &newsletter.Origin{URL: "https://elsewhere.example.net/a"}}},
		{"source: Reuters", said{}},
		{
			"source: {title: Elsewhere, url: 'https://elsewhere.example.net/a', feed: 'https://elsewhere.example.net/feed'}",
			said{Origin: &newsletter.Origin{URL: "https://elsewhere.example.net/a", Title: "Elsewhere", Feed: "https://elsewhere.example.net/feed"}},
		},
	} {
		t.Run(c.matter, func(t *testing.T) {
			t.Parallel()
			a, problems, _ := testDir(t).ParseFile("a.md", []byte("---\n"+c.matter+"\n---\n# Heading\n"))
			got := said{License: a.License, Copyright: a.Copyright, Origin: a.Origin}
			for _, p := range problems {
				got.Problem += p.Message
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Chapters and transcripts beside the article are published; other JSON is not.
func TestFilesOfEpisodes(t *testing.T) {
	t.Parallel()
	got := newSite(t, map[string]string{
		"a.mp3": "x", "a.chapters.json": "{}", "a.srt": "x", "secrets.json": "{}",
		"a.md": "---\naudio: a.mp3\nchapters: a.chapters.json\ntranscript: a.srt\n---\n# A\n",
		"b.md": "---\naudio: a.mp3\nchapters: secrets.json\n---\n# B\n",
	}).ingest()
	if !strings.Contains(got.Problems, "b.md") || strings.Contains(got.Problems, "a.md") || !strings.Contains(got.Problems, "secrets.json are not published") {
		t.Errorf("problems: %s", got.Problems)
	}
}
