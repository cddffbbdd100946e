package config

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Rate is at most Count in each Per. The zero Rate is no limit. In the file: 50/s, 10/m, 3000/h, 20000/d.
type Rate struct {
	Count int
	Per   time.Duration
}

// PerSecond is the mean rate, 0 for no limit.
func (r Rate) PerSecond() float64 {
	if r.Per == 0 {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// String is the rate as it would be written in the file, empty for no limit.
func (r Rate) String() string {
	for name, per := range rateUnits() {
		if r.Per == per {
			return fmt.Sprintf("%d/%s", r.Count, name)
		}
	}
	return ""
}

// Date is a day. The zero Date is none. In the file: 2026-12-01.
type Date struct{ time.Time }

func parseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, expected("a day such as 2026-12-01")
	}
	return Date{t}, nil
}

// Factor is a number from 1 to 10. In the file: 1.5.
type Factor float64

func parseFactor(s string) (Factor, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 1 && f <= 10) {
		return 0, expected("a number from 1 to 10, such as 1.5")
	}
	return Factor(f), nil
}

func rateUnits() map[string]time.Duration {
	return map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
}

func parseRate(s string) (Rate, error) {
	count, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(strings.TrimSpace(count), 10, 31)
	per, ok := rateUnits()[strings.TrimSpace(unit)]
	if err != nil || !ok || n == 0 {
		return Rate{}, expected("a rate such as 50/s, 10/m or 3000/h")
	}
	return Rate{int(n), per}, nil
}

// Share is a part of a whole, from 0 to 1. In the file: 1%, 0.3%.
type Share float64

// String is the share as it would be written in the file.
func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'g', 6, 64) + "%" }

func parseShare(s string) (Share, error) {
	number, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(p >= 0 && p <= 100) {
		return 0, expected("a share such as 1% or 0.3%")
	}
	return Share(p / 100), nil
}

// Clock is a time of day, in minutes after midnight. In the file: 22:00.
type Clock int

// String is the time as it would be written in the file.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

func parseClock(s string) (Clock, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, expected("a time of day such as 22:00")
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// parseDuration understands what time.ParseDuration does, with whole days before it: 7d, 1d12h.
func parseDuration(s string) (time.Duration, error) {
	bad := expected("a duration such as 30s, 48h or 7d")
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || n > 100_000 {
		return 0, bad
	}
	var part time.Duration
	if rest != "" {
		if part, err = time.ParseDuration(rest); err != nil || part < 0 || strings.HasPrefix(rest, "+") {
			return 0, bad
		}
	}
	whole := time.Duration(n) * 24 * time.Hour
	if whole > math.MaxInt64-part {
		return 0, bad
	}
	return whole + part, nil
}

// inRange checks a number or a duration against its range tag.
func inRange(v reflect.Value, tag reflect.StructTag) error {
	low, high, ok := strings.Cut(tag.Get("range"), "..")
	if !ok {
		return nil
	}
	bound := func(text string) int64 {
		b := reflect.New(v.Type()).Elem()
		if err := set(b, text, ""); err != nil {
			panic(fmt.Sprintf("config: range %s: %v", text, err)) // a mistake in this package
		}
		return b.Int()
	}
	if cmp.Compare(v.Int(), bound(low)) < 0 || cmp.Compare(v.Int(), bound(high)) > 0 {
		return expected(low + " to " + high)
	}
	return nil
}
