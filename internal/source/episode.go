package source

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// episodeFields are what tables say of an episode, the file itself apart.
var episodeFields = []string{"season", "episode", "number", "episodetype", "explicit", "chapters", "transcript", "duration"}

// episode reads what programs that play podcasts want to know. It stands in the
// table that has the file, in one called episode, or beside it. Without a file
// there is no episode.
func (b *builder) episode() *newsletter.Episode {
	if len(b.article.Enclosures) == 0 {
		return nil
	}
	e := &newsletter.Episode{
		Season: b.ordinal("season", "seasonnumber", "podcastseason"),
		Number: b.ordinal("episode", "number", "episodenumber", "podcastepisode"),
	}
	if v := b.aboutEnclosure("episodetype", "podcastepisodetype"); v != nil {
		switch kind := strings.ToLower(strings.TrimSpace(v.text)); kind {
		case "full", "trailer", "bonus":
			e.Type = kind
		default:
			b.warn(v, fmt.Sprintf("episodeType: %q is not used", v.text), "write full, trailer or bonus")
		}
	}
	if v := b.aboutEnclosure("explicit", "podcastexplicit"); v != nil {
		if yes, ok := explicit(v.text); ok {
			e.Explicit = &yes
		} else {
			b.warn(v, fmt.Sprintf("explicit: %q is neither true nor false", v.text), "")
		}
	}
	b.chapters(e)
	if v := b.aboutEnclosure("transcript"); v != nil && v.kind == isText {
		e.Transcript = b.fileOf("transcript", v)
	}
	if e.Season == 0 && e.Number == 0 && e.Type == "" && e.Explicit == nil && len(e.Chapters) == 0 && e.ChaptersURL == "" && e.Transcript == "" {
		return nil
	}
	return e
}

// explicit reads what Apple's podcasts have had for it over the years.
func explicit(s string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "explicit":
		return true, true
	case "clean":
		return false, true
	}
	return truth(s)
}

// ordinal reads a number from 1; 0: none.
func (b *builder) ordinal(names ...string) int {
	v := b.aboutEnclosure(names...)
	if v == nil || v.kind == isTable { // episode: {…}
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(v.text))
	if v.kind != isText || err != nil || n < 0 || n > 1_000_000 {
		b.warn(v, fmt.Sprintf("%s: %q is no number of a season or an episode", names[0], v.text), "")
		return 0
	}
	return n
}

// chapters reads a reference to a file of chapters, or a list of them.
func (b *builder) chapters(e *newsletter.Episode) {
	v := b.aboutEnclosure("chapters")
	if v == nil {
		return
	}
	if v.kind == isText {
		e.ChaptersURL = b.fileOf("chapters", v)
		return
	}
	for _, x := range v.items() {
		c, ok := chapter(x)
		if !ok {
			b.warn(&x, "chapters: a chapter has no start or no title", `write "00:12:30 The tide", or {start: "00:12:30", title: The tide}`)
			continue
		}
		if len(e.Chapters) < maxLabels {
			e.Chapters = append(e.Chapters, c)
		}
	}
}

// chapter reads "00:12:30 The tide", or a table.
func chapter(v value) (c newsletter.Chapter, ok bool) {
	start, title, _ := strings.Cut(strings.TrimSpace(v.text), " ")
	if v.kind == isTable {
		start, title = v.scalar("start", "starttime", "time"), v.scalar("title", "name")
		if u, err := url.Parse(markup.CleanLine(v.scalar("url", "href", "link"))); err == nil && u.Host != "" && isWeb(u) {
			c.URL = u.String()
		}
	}
	c.Title = markup.CleanLine(title)
	c.Start, ok = playTime(start)
	return c, ok && c.Title != ""
}

// fileOf reads a reference to a file that is published, empty: it is none.
func (b *builder) fileOf(name string, v *value) string {
	ref, ok := mediaReference(v.text)
	if !ok {
		b.warn(v, fmt.Sprintf("%s: %q is no reference to a file", name, v.text), "")
		return ""
	}
	u, err := url.Parse(ref)
	if err == nil && u.Host == "" && !strings.HasPrefix(u.Path, "/") && newsletter.MediaType(u.Path) == "" {
		b.warn(v, fmt.Sprintf("%s: files such as %s are not published", name, ref), "chapters are published from files that end in .chapters.json, transcripts from .vtt and .srt")
		return ""
	}
	b.beside(v, name, ref)
	return ref
}
