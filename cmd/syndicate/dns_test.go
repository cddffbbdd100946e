package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/dns/dnsmessage"
)

// testDNS asks the server at $DNS, or nobody: tests leave the world alone.
func testDNS() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := os.Getenv("DNS")
		if address == "" {
			return nil, errors.New("no DNS in this test")
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
}

// dnsCommand starts a DNS server: dns FILE. It has the TXT records of the file, lines
// such as name. IN TXT ( "text" "more text" ), and reads them for each question.
func dnsCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "dns FILE")
	c, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // at once
	ts.Check(err)
	ts.Setenv("DNS", c.LocalAddr().String())
	file := ts.MkAbs(args[0])
	var served sync.WaitGroup
	served.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n], file); err == nil {
				_, _ = c.WriteTo(reply, from)
			}
		}
	})
	ts.Defer(func() {
		c.Close()
		served.Wait()
	})
}

// answer answers one question from a file of records.
func answer(question []byte, file string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil, fmt.Errorf("no question: %w", err)
	}
	q := m.Questions[0]
	found, err := records(file, q.Name.String())
	if err != nil {
		return nil, err
	}
	m.Response, m.Additionals, m.RCode = true, nil, dnsmessage.RCodeNameError
	for _, texts := range found {
		m.RCode = dnsmessage.RCodeSuccess
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.TXTResource{TXT: texts},
		})
	}
	return m.Pack()
}

// records reads the records of a name, each in its pieces.
func records(file, name string) (list [][]string, err error) {
	text, err := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		owner, rest, _ := strings.Cut(line, " IN TXT ")
		if !strings.EqualFold(owner, name) {
			continue
		}
		var texts []string
		for i, piece := range strings.Split(rest, `"`) {
			if i%2 == 1 { // between quotation marks
				texts = append(texts, piece)
			}
		}
		list = append(list, texts)
	}
	return list, err
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
	dns := &dkim.VerifyOptions{LookupTXT: func(name string) (list []string, err error) {
		found, err := records(ts.MkAbs(args[1]), name+".")
		for _, texts := range found {
			list = append(list, strings.Join(texts, ""))
		}
		return list, err
	}}
	for _, file := range messages {
		message, err := os.ReadFile(file)
		ts.Check(err)
		list, err := dkim.VerifyWithOptions(bytes.NewReader(message), dns)
		ts.Check(err)
		if strconv.Itoa(len(list)) != args[2] {
			ts.Fatalf("%s has %d signatures, not %s", file, len(list), args[2])
		}
		for _, v := range list {
			ts.Check(v.Err)
		}
	}
}
