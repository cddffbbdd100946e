package main

import (
	"fmt"
	"net/smtp"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailCommand hands a message from nobody to a mail server, and prints what became of it:
// mail HOST:PORT TO FILE.
func mailCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "mail HOST:PORT TO FILE")
	answer := "taken"
	if err := smtp.SendMail(args[0], nil, "", []string{args[1]}, []byte(ts.ReadFile(args[2]))); err != nil {
		answer = err.Error()
	}
	fmt.Fprintln(ts.Stdout(), answer)
}
