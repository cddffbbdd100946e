package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// enclosureFields are where the files stand that an article brings with it.
var enclosureFields = []string{"enclosures", "enclosure", "podcast", "audio", "podcastfile", "audiofile"}

// locations are what tables call the address of a file.
var locations = []string{"url", "src", "href", "file", "path", "audio", "mp3"}

// enclosures reads what the article brings with it: audio, mostly.
func (b *builder) enclosures() []newsletter.Enclosure {
	var out []newsletter.Enclosure
	for _, name := range enclosureFields {
		v := b.fields.find(name)
		if v == nil {
			continue
		}
		for _, x := range v.items() {
			if x.kind == isTable && x.get(locations...) == nil && x.get(episodeFields...) != nil {
				continue // it tells about the file that another field names
			}
			e, ok := b.enclosure(name, x)
			known := slices.ContainsFunc(out, func(y newsletter.Enclosure) bool { return y.URL == e.URL })
			if ok && !known && len(out) < maxLabels {
				out = append(out, e)
			}
		}
	}
	if len(out) > 0 { // what themes for podcasts say beside the file
		first := &out[0]
		if first.Duration == 0 {
			first.Duration = duration(b.besideEnclosure("podcastduration", "audioduration", "duration"))
		}
		if first.Size == 0 {
			first.Size = fileSize(b.besideEnclosure("podcastbytes", "audiobytes", "length"))
		}
	}
	return out
}

// besideEnclosure returns the text of a field that tells about the article's file:
// in the table that has the file, else beside it.
func (b *builder) besideEnclosure(names ...string) string {
	if v := b.aboutEnclosure(names...); v != nil && v.kind == isText {
		return v.text
	}
	return ""
}

func (b *builder) aboutEnclosure(names ...string) *value {
	for _, table := range append([]string{"episode"}, enclosureFields...) {
		v := b.fields.find(table)
		if v == nil {
			continue
		}
		first := v.items()[0]
		if first.kind != isTable {
			continue
		}
		if f := first.get(names...); f != nil {
			return f
		}
	}
	return b.fields.find(names...)
}

func (b *builder) enclosure(name string, v value) (newsletter.Enclosure, bool) {
	e := newsletter.Enclosure{URL: v.text}
	if v.kind == isTable {
		e.URL = v.scalar(locations...)
		e.Type = markup.CleanLine(v.scalar("type", "mime", "mimetype"))
		e.Size = fileSize(v.scalar("length", "size", "bytes"))
		e.Duration = duration(v.scalar("duration"))
	}
	ref, ok := mediaReference(e.URL)
	if !ok {
		b.warn(&v, fmt.Sprintf("%s: %q is no reference to a file", name, e.URL), "")
		return e, false
	}
	e.URL = ref
	if e.Type == "" {
		e.Type = newsletter.MediaType(refPath(ref))
	}
	if e.Type == "" {
		e.Type = "application/octet-stream"
	}
	if _, f, ok := b.beside(&v, name, ref); ok {
		e.Size = f.size
	}
	return e, true
}

// fileSize reads a number of bytes; 0: unknown.
func fileSize(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// duration reads how long something takes, to the second; 0: none.
func duration(s string) time.Duration {
	d, _ := playTime(s)
	return d.Round(time.Second)
}

// playTime reads a place in a recording, "1:02:03.5", "62:03", seconds, or Go's
// "1h2m3s"; ok is false if it is none.
func playTime(s string) (d time.Duration, ok bool) {
	s = strings.TrimSpace(s)
	if d, err := time.ParseDuration(s); err == nil {
		return d, d >= 0 && d < 1000*time.Hour
	}
	seconds := 0.0
	parts := strings.Split(s, ":")
	for _, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil || !(n >= 0) || len(parts) > 3 {
			return 0, false
		}
		seconds = seconds*60 + n
	}
	if seconds >= 3_600_000 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond), true
}
