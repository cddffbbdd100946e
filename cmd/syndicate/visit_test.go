package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/test/atomschema"
	"syndicate/internal/test/feedparser"
	"syndicate/internal/test/newsboat"
	"syndicate/internal/test/w3c"
)

// TestScriptReaders runs the scripts that need readers and validators of others, with
// each that is there.
func TestScriptReaders(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, script, name string, command func(*testscript.TestScript, bool, []string)) {
		p := params([]string{"testdata/script/readers_" + script + ".txtar"}, func() string { return "sqlite:data/syndicate.db" })
		p.Cmds[name] = command
		testscript.Run(t, p)
	}
	t.Run("jing", func(t *testing.T) {
		t.Parallel()
		jing := atomschema.Find(t)
		run(t, "valid", "valid", validCommand(func(folder, _ string, names []string) error {
			names = slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) != ".atom" })
			for i := range names {
				names[i] = filepath.Join(folder, filepath.FromSlash(names[i]))
			}
			return jing.Check(t.Context(), names...)
		}))
	})
	t.Run("feedvalidator", func(t *testing.T) {
		t.Parallel()
		validator := w3c.Find(t)
		run(t, "valid", "valid", validCommand(func(folder, address string, names []string) error {
			return validator.Check(t.Context(), folder, address, names...)
		}))
	})
	t.Run("feedparser", func(t *testing.T) {
		t.Parallel()
		reader := feedparser.Find(t)
		run(t, "feedparser", "visit", visitCommand(func(*testscript.TestScript, []string) subscriber {
			return &parserUser{reader: reader, known: map[string]map[string]bool{}, last: map[string]feedparser.Answer{}}
		}))
	})
	t.Run("newsboat", func(t *testing.T) {
		t.Parallel()
		program := newsboat.Find(t)
		run(t, "newsboat", "visit", visitCommand(func(ts *testscript.TestScript, urls []string) subscriber {
			u := &boatUser{}
			for i, address := range urls {
				r, err := program.Subscribe(ts.MkAbs(fmt.Sprintf("newsboat/%d", i)), address)
				ts.Check(err)
				u.feeds = append(u.feeds, r)
			}
			return u
		}))
	})
}

// validCommand validates every RSS and Atom document below a folder that is published
// at an address: valid FOLDER URL.
func validCommand(check func(folder, address string, names []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		want(ts, neg, args, 2, "valid FOLDER URL")
		folder := ts.MkAbs(args[0])
		ts.Check(check(folder, args[1], documents(ts, folder, ".rss", ".atom")))
	}
}

// documents are the names of the files below a folder with one of the endings.
func documents(ts *testscript.TestScript, folder string, endings ...string) (names []string) {
	ts.Check(fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		for _, ending := range endings {
			if err == nil && path.Ext(name) == ending {
				names = append(names, name)
			}
		}
		return err
	}))
	return names
}

// subscriber is somebody who reads feeds with a program.
type subscriber interface {
	// visit visits the feeds, with the validators that are asked for (of those that it
	// has), and returns how many articles were new to it. An article is known again by
	// its id, in each feed for itself.
	visit(ts *testscript.TestScript, urls []string, tag, date bool) (fresh int)
}

// visitor is where a script keeps its reader, and what that has subscribed to.
type visitor struct {
	subscriber

	gate           *gate
	folder, server string
	names          []string // of documents in the folder
}

type visitorKey struct{}

// visitCommand makes a reader visit feeds at a server in the background:
//
//	visit SERVER FOLDER [DOCUMENT…]   subscribes to what is built in the folder (all RSS
//	                                  and Atom documents, or these), and visits it first
//	visit none|tag|date|both          visits again, with these validators
//	visit SERVER                      is where the feeds are now
//
// It prints what the server answered, and how many articles were new to the reader.
// Before a visit it waits until the server has what is in the folder.
func visitCommand(begin func(*testscript.TestScript, []string) subscriber) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		want(ts, neg, args, 1, "visit SERVER FOLDER [DOCUMENT…] | visit none|tag|date|both | visit SERVER")
		v, ok := ts.Value(visitorKey{}).(*visitor)
		if !ok {
			ts.Fatalf("no place for readers")
		}
		conditions := args[0]
		switch {
		case len(args) > 1:
			v.server, v.folder, v.names, conditions = args[0], ts.MkAbs(args[1]), args[2:], "none"
			if len(v.names) == 0 {
				v.names = documents(ts, v.folder, ".rss", ".atom")
			}
			v.gate = newGate(ts)
			v.gate.lead(ts, v.server)
			v.subscriber = begin(ts, v.urls())
		case v.gate == nil:
			ts.Fatalf("visit SERVER FOLDER first")
		case isAddress(args[0]):
			v.server = args[0]
			v.gate.lead(ts, v.server)
			return
		}
		for _, name := range v.names {
			awaitServed(ts, filepath.Join(v.folder, filepath.FromSlash(name)), v.server+address(name))
		}
		tag, date := conditions == "tag" || conditions == "both", conditions == "date" || conditions == "both"
		v.gate.expect(tag, date)
		fresh := v.visit(ts, v.urls(), tag, date)
		got, wrong := v.gate.result()
		if len(wrong) > 0 {
			ts.Fatalf("%+v: %s", got, strings.Join(wrong, "\n"))
		}
		fmt.Fprintf(ts.Stdout(), "whole %d, unchanged %d, partial %d, moved %d, other %d, new %d\n",
			got.whole, got.unchanged, got.partial, got.moved, got.other, fresh)
	}
}

func (v *visitor) urls() (urls []string) {
	for _, name := range v.names {
		urls = append(urls, v.gate.URL+address(name))
	}
	return urls
}

func address(name string) string { return (&url.URL{Path: "/" + name}).EscapedPath() }

// awaitServed waits until a server answers with what is in a file, and with its date,
// which it does not tell in the second of a change. There is no file at a former
// address.
func awaitServed(ts *testscript.TestScript, file, address string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		want, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		ts.Check(err)
		resp, err := http.Get(address)
		ts.Check(err)
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		ts.Check(err)
		if bytes.Equal(got, want) && resp.Header.Get("Last-Modified") != "" {
			return
		}
		<-tick.C
	}
}

// parserUser reads with feedparser.
type parserUser struct {
	reader *feedparser.Reader
	known  map[string]map[string]bool // titles and ids, by address
	last   map[string]feedparser.Answer
}

func (u *parserUser) visit(ts *testscript.TestScript, urls []string, tag, date bool) (fresh int) {
	asks := make([]feedparser.Ask, len(urls))
	for i, address := range urls {
		asks[i].URL = address
		if tag {
			asks[i].ETag = u.last[address].ETag
		}
		if date {
			asks[i].Modified = u.last[address].Modified
		}
	}
	answers, err := u.reader.Visit(context.Background(), asks)
	ts.Check(err)
	for i, a := range answers {
		address := urls[i]
		if a.Problem != "" || a.ETag == "" || a.Modified == "" {
			ts.Fatalf("%s: %+v", address, a)
		}
		u.last[address] = a
		if a.Status == http.StatusNotModified {
			continue
		}
		if a.Title == "" {
			ts.Fatalf("%s: %+v", address, a)
		}
		if u.known[address] == nil {
			u.known[address] = map[string]bool{}
		}
		inThis := map[string]bool{}
		for _, e := range a.Entries {
			if e.ID == "" || e.Title == "" || !isAddress(e.Link) || inThis[e.ID] {
				ts.Fatalf("%s: %+v", address, e)
			}
			inThis[e.ID] = true
			if !u.known[address][e.ID] {
				u.known[address][e.ID] = true
				fresh++
			}
		}
	}
	return fresh
}

// boatUser reads with newsboat.
type boatUser struct{ feeds []*newsboat.Reader }

func (u *boatUser) visit(ts *testscript.TestScript, urls []string, tag, date bool) (fresh int) {
	for i, r := range u.feeds {
		if tag != date {
			ts.Check(r.Forget(context.Background(), date, tag))
		}
		ts.Check(r.Reload(context.Background()))
		unread, all, err := r.Unread(context.Background())
		ts.Check(err)
		fresh += len(unread)
		titles := map[string]bool{}
		for _, a := range all {
			if a.GUID == "" || a.Title == "" || !isAddress(a.URL) || titles[a.Title] {
				ts.Fatalf("%s: %+v", urls[i], a)
			}
			titles[a.Title] = true
		}
	}
	return fresh
}
