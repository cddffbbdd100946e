package main

import "strings"

// nearest returns which of the words was perhaps meant; empty: none is near.
func nearest(word string, words []string) string {
	best, at := "", max(1, len(word)/3)+1
	for _, w := range words {
		d := distance(strings.ToLower(word), strings.ToLower(w))
		if strings.HasPrefix(w, word) && len(word) > 1 {
			d = min(d, 1)
		}
		if d < at {
			best, at = w, d
		}
	}
	return best
}

// distance is how many letters must be changed, added, taken away or swapped with
// their neighbour to make b of a.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
