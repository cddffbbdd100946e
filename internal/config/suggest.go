package config

import (
	"reflect"
	"strings"
)

// suggestion is the hint for a key that t does not have: the key that was meant, or where it belongs,
// or what there is.
func suggestion(key string, t reflect.Type, known []string) string {
	meant := closest(key, known)
	if meant == "" {
		meant = find(t, key)
	}
	if meant == "" {
		meant = find(reflect.TypeFor[Config](), key)
	}
	if meant != "" {
		return "did you mean " + quote(meant) + "?"
	}
	return "the keys here are " + strings.Join(known, ", ")
}

// closest returns the candidate that word was probably meant to be, or nothing.
func closest(word string, candidates []string) string {
	if len(word) > 40 {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), c); d < least {
			best, least = c, d
		}
	}
	if best != "" {
		return best
	}
	// The short form of a key: lang for language, desc for description.
	for _, c := range candidates {
		if len(word) > 2 && strings.HasPrefix(c, strings.ToLower(word)) {
			return c
		}
	}
	return ""
}

// distance is the number of letters to insert, remove, change or swap with their neighbour to turn a
// into b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int
	last := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

// find looks for a key in the sections below t and returns its way there, such as select.tags.
func find(t reflect.Type, key string) string {
	for f := range fields(t) {
		if f.key == key {
			return key
		}
	}
	for f := range fields(t) {
		inner, way := f.typ, f.key
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if !isSection(inner) {
			continue
		}
		if f.named {
			way += ".NAME"
		}
		if rest := find(inner, key); rest != "" {
			return way + "." + rest
		}
	}
	return ""
}
