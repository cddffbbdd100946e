package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// ask puts a question to the person at the terminal; yes is the answer if it was
// given in advance. With nobody there it is an error.
func (a *app) ask(ctx context.Context, yes bool, question string) (bool, error) {
	if yes {
		return true, nil
	}
	screen, done, err := a.screen(question)
	if err != nil {
		return false, err
	}
	defer done()
	fmt.Fprintf(screen, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be cancelled; the process ends soon if it is
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil {
			line = ""
		}
		answer <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(screen)
		return false, ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes", "o", "oui":
			return true, nil
		}
		return false, nil
	}
}

// screen is where a question is seen, if there is somebody to answer it: standard
// error, or the terminal itself if that went elsewhere.
func (a *app) screen(question string) (w io.Writer, done func(), err error) {
	if isTerminal(a.in) {
		if isTerminal(a.err) {
			return a.err, func() {}, nil
		}
		if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			return tty, func() { tty.Close() }, nil
		}
	}
	return nil, nil, hinted(fmt.Errorf("this needs a yes, and there is no terminal to ask on: %s", strings.ReplaceAll(question, "\n", " ")),
		"--yes does it without asking")
}
