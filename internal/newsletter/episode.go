package newsletter

import "time"

// Podcast describes a site whose articles have audio, to the programs that play it.
type Podcast struct {
	Author     string   // empty: the site's
	Email      string   // of its owner, public; empty: none
	Image      string   // square picture, absolute URL or site path; empty: the site's logo
	Categories []string // of Apple's list: "Arts", or "Arts > Food"
	Explicit   bool
	Serial     bool // episodes are to be heard from the first one on
}

// Episode is what programs that play podcasts want to know of an article with
// audio.
type Episode struct {
	Season      int       `json:"season,omitempty"` // 0: none
	Number      int       `json:"number,omitempty"` // 0: none
	Type        string    `json:"type,omitempty"`   // full, trailer or bonus; empty: full
	Explicit    *bool     `json:"explicit,omitempty"`
	Chapters    []Chapter `json:"chapters,omitempty"`
	ChaptersURL string    `json:"chapters_url,omitempty"` // of a file of chapters; absolute, or relative to the article's File
	Transcript  string    `json:"transcript,omitempty"`   // of a file with what is said, likewise
}

// Chapter is a part of an episode.
type Chapter struct {
	Start time.Duration `json:"start"`
	Title string        `json:"title"`
	URL   string        `json:"url,omitempty"`
}

// Origin is where a syndicated article was published first.
type Origin struct {
	URL   string `json:"url,omitempty"`   // of the article there, absolute
	Title string `json:"title,omitempty"` // of the feed or the site
	Feed  string `json:"feed,omitempty"`  // URL of the feed, empty: there is none
	ID    string `json:"id,omitempty"`    // of the feed, where it has one (Atom)
}
