package main

import (
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/test/selfsigned"
)

// certify writes a certificate that ends at a time, and its key: certify FILE KEY TIME.
func certify(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "certify FILE KEY TIME")
	ends, err := time.Parse(time.RFC3339, args[2])
	ts.Check(err)
	pair, err := selfsigned.New(selfsigned.Options{Names: []string{"bounces.example.org"}, Ends: ends})
	ts.Check(err)
	ts.Check(errors.Join(os.WriteFile(ts.MkAbs(args[0]), pair.Certificate, 0o600), os.WriteFile(ts.MkAbs(args[1]), pair.Key, 0o600)))
}

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
