package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/test/dns"
)

// testDNS asks the server at $DNS, or nobody.
func testDNS() *net.Resolver { return dns.Resolver(os.Getenv("DNS")) }

// dnsCommand starts a DNS server with the records of a file, as dns.Serve reads them:
// dns FILE.
func dnsCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "dns FILE")
	file := ts.MkAbs(args[0])
	address, stop, err := dns.Serve(func() (string, error) {
		zone, err := os.ReadFile(file)
		return string(zone), err
	})
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("DNS", address)
}

// signedCommand wants each message that a relay keeps signed so often, and rightly by the
// records of a file: signed FOLDER FILE N.
func signedCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "signed FOLDER FILE N")
	messages, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
	ts.Check(err)
	if len(messages) == 0 {
		ts.Fatalf("no messages in %s", args[0])
	}
	zone := ts.ReadFile(args[1])
	options := &dkim.VerifyOptions{LookupTXT: func(name string) (list []string, err error) {
		for _, texts := range dns.Lookup(zone, name+".") {
			list = append(list, strings.Join(texts, ""))
		}
		return list, nil
	}}
	for _, file := range messages {
		message, err := os.ReadFile(file)
		ts.Check(err)
		list, err := dkim.VerifyWithOptions(bytes.NewReader(message), options)
		ts.Check(err)
		if strconv.Itoa(len(list)) != args[2] {
			ts.Fatalf("%s has %d signatures, not %s", file, len(list), args[2])
		}
		for _, v := range list {
			ts.Check(v.Err)
		}
	}
}
