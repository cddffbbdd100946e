package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// fields are what the command line says of a subscriber.
type fields struct {
	name, language, zone string
	topics               []string
}

// lineOf checks an address and its fields by the rules of lists: it writes a list
// of one line and reads it.
func lineOf(address string, f fields) (newsletter.Line, error) {
	head, row := []string{"email"}, []string{address}
	for _, cell := range [][2]string{{"name", f.name}, {"language", f.language}, {"time_zone", f.zone}, {"topics", strings.Join(f.topics, "|")}} {
		if cell[1] != "" {
			head, row = append(head, cell[0]), append(row, cell[1])
		}
	}
	if _, err := addressArgument(address); err != nil {
		return newsletter.Line{}, err
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll([][]string{head, row}); err != nil {
		return newsletter.Line{}, err
	}
	good, problems, err := roster.ReadAll(&b)
	switch {
	case err != nil:
		return newsletter.Line{}, err
	case len(problems) > 0:
		return newsletter.Line{}, usage("", "%s: %s", plain(address), problems[0].Message)
	case len(good) != 1:
		return newsletter.Line{}, usage("", "%s: not one subscriber", plain(address))
	}
	return good[0], nil
}

func notThere(err error, address string) error {
	if errors.Is(err, store.ErrNotFound) {
		return hinted(fmt.Errorf("%s is not a subscriber", address), "syndicate subscribers list --match %s", address)
	}
	return err
}
