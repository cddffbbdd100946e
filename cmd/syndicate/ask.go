package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// ask puts a question to the person at the terminal; yes is the answer if it was
// given in advance. With nobody there it is an error.
func (a *app) ask(ctx context.Context, yes bool, question string) (bool, error) {
	if yes {
		return true, nil
	}
	if !isTerminal(a.in) || !isTerminal(a.err) {
		return false, hinted(errors.New("this needs a yes, and there is no terminal to ask on"), "--yes does it without asking")
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be cancelled; the process ends soon if it is
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil {
			line = "\n"
			fmt.Fprintln(a.err)
		}
		answer <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.err)
		return false, ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes", "o", "oui":
			return true, nil
		}
		return false, nil
	}
}
