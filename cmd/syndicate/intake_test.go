package main

import (
	"fmt"
	"net/smtp"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailCommand hands a message to a mail server, and prints what became of it:
// mail HOST:PORT FROM TO FILE.
func mailCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 4, "mail HOST:PORT FROM TO FILE")
	answer := "taken"
	if err := smtp.SendMail(args[0], nil, args[1], []string{args[2]}, []byte(ts.ReadFile(args[3]))); err != nil {
		answer = err.Error()
	}
	fmt.Fprintln(ts.Stdout(), answer)
}
