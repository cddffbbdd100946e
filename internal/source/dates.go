package source

import (
	"errors"
	"strings"
	"time"
)

// dateLayouts are the ways in which authors and the tools before this one write
// dates, commonest first. Days before months, as in 02/03/2026, are not told from
// months before days and therefore refused.
var dateLayouts = []string{
	time.RFC3339, "2006-1-2", "2006-1-2T15:4:5Z07:00",
	"2006-1-2 15:4:5Z07:00", "2006-1-2 15:4:5 Z07:00", "2006-1-2 15:4:5 -0700", "2006-1-2 15:4:5-0700", "2006-1-2T15:4:5-0700",
	"2006-1-2T15:4:5-07", "2006-1-2 15:4:5-07", "2006-1-2 15:4:5 -07",
	"2006-1-2 15:4:5", "2006-1-2T15:4:5", "2006-1-2 15:4", "2006-1-2T15:4", "2006-1-2T15:4Z07:00", "2006-1-2 15:4Z07:00", "2006-1-2 15:4 -0700",
	"2006-1-2 15:4 Z07:00", "2006-1-2 15:4:5 MST", "2006-1-2 15:4:5 -0700 MST",
	"2006/1/2", "2006/1/2 15:4", "2006/1/2 15:4:5", "2006/1/2 15:4:5 -0700", "2006.1.2", "20060102", "2.1.2006", "2.1.2006 15:4",
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 -0700", "Monday, 02-Jan-06 15:04:05 MST",
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 -0700 2006",
	"January 2, 2006", "Jan 2, 2006", "January 2 2006", "Jan 2 2006", "2 January 2006", "2 Jan 2006", "Monday, January 2, 2006", "Monday, 2 January 2006",
	"January 2, 2006 15:04", "January 2, 2006 3:04 PM", "Jan 2, 2006 15:04", "2 January 2006 15:04", "2 Jan 2006 15:04", "2-Jan-2006", "02-Jan-2006",
}

var errDate = errors.New("not a date")

// parseDate reads a date; loc is the time zone of one that names none.
func parseDate(s string, loc *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	if len(s) > 50 {
		return time.Time{}, errDate
	}
	for _, layout := range dateLayouts {
		t, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			continue
		}
		// Go invents a zone of offset zero for an abbreviation that it does not know.
		if name, offset := t.Zone(); offset == 0 && t.Location() != loc && name != "UTC" && name != "GMT" && name != "" && strings.HasSuffix(layout, "MST") {
			return time.Time{}, errDate
		}
		if year := t.UTC().Year(); year < 1000 || year > 9999 { // JSON has no others
			return time.Time{}, errDate
		}
		return t, nil
	}
	return time.Time{}, errDate
}
