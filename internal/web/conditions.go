package web

import (
	"net/http"
	"strings"
	"time"
)

// Conditions of requests are looked at in the order of RFC 9110 13.2.2: broken first,
// then notModified. What is no answer with a document (301, 410, 429) has none.

// hasDemands reports whether broken has to be asked.
func hasDemands(r *http.Request) bool {
	return len(r.Header["If-Match"]) > 0 || len(r.Header["If-Unmodified-Since"]) > 0
}

// broken reports whether a client wants an answer only if the document is one that it
// is not: If-Match decides by strong comparison if it is there, else
// If-Unmodified-Since by whole seconds.
func broken(r *http.Request, tag string, modified time.Time) bool {
	if lists := r.Header["If-Match"]; len(lists) > 0 {
		for t, weak := range entityTags(lists) {
			if t == "*" || t == tag && !weak {
				return false
			}
		}
		return true
	}
	until, ok := moment(r.Header["If-Unmodified-Since"])
	return ok && !modified.IsZero() && modified.Truncate(time.Second).After(until)
}

// notModified reports whether the client has the current document: If-None-Match
// decides by weak comparison if it is there, else If-Modified-Since by whole seconds.
func notModified(r *http.Request, tag string, modified time.Time) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if lists := r.Header["If-None-Match"]; len(lists) > 0 {
		if len(lists) == 1 && lists[0] == tag {
			return true
		}
		for t := range entityTags(lists) {
			if t == "*" || t == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
		return false
	}
	since, ok := moment(r.Header["If-Modified-Since"])
	return ok && !modified.IsZero() && !modified.Truncate(time.Second).After(since)
}

// moment reads the date of a header. One that is no date, or that is there several
// times, is as good as none (RFC 9110 13.1.3).
func moment(values []string) (time.Time, bool) {
	if len(values) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(values[0])
	return t, err == nil
}

// entityTags yields the tags of If-None-Match and its like without their W/, and
// whether they are weak, or "*" where that stands alone, up to the first that is none.
// A tag may contain commas, so they are read one by one.
func entityTags(lists []string) func(yield func(tag string, weak bool) bool) {
	return func(yield func(string, bool) bool) {
		alone := len(lists) == 1
		for _, list := range lists {
			for {
				list = strings.TrimLeft(list, " \t,")
				if list == "" {
					break
				}
				if alone && strings.TrimRight(list, " \t") == "*" {
					yield("*", false)
					return
				}
				alone = false
				var weak bool
				list, weak = strings.CutPrefix(list, "W/")
				if list == "" || list[0] != '"' {
					return
				}
				end := strings.IndexByte(list[1:], '"')
				if end < 0 || !yield(list[:end+2], weak) {
					return
				}
				list = list[end+2:]
			}
		}
	}
}
