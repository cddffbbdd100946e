package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mmcdole/gofeed"
	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/test/jsonfeed"
)

type readersKey struct{}

// newsCommand reads every document below a folder as a reader does who subscribed to
// it before: articles are known again by their ids, in each document for itself. All
// formats have to hold the same. It wants so many items that are new in some document,
// or some: news public 3.
func newsCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "news FOLDER N|some")
	known, _ := ts.Value(readersKey{}).(map[string]bool)
	schema, err := jsonfeed.Compile()
	ts.Check(err)
	root := os.DirFS(ts.MkAbs(args[0]))
	documents, fresh := 0, 0
	read := map[string][]string{} // titles and ids, by document without its ending
	ts.Check(fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		ending := path.Ext(name)
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || !slices.Contains([]string{".rss", ".atom", ".json"}, ending) {
			return err
		}
		documents++
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if ending == ".json" {
			if err := schema.Check(data); err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
		}
		feed, err := gofeed.NewParser().Parse(bytes.NewReader(data))
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		if feed.Title == "" || !isAddress(feed.Link) || !isAddress(feed.FeedLink) || feed.Language == "" {
			ts.Fatalf("%s: title %q, link %q, own address %q, language %q", name, feed.Title, feed.Link, feed.FeedLink, feed.Language)
		}
		var items []string
		for _, it := range feed.Items {
			if it.GUID == "" || it.Title == "" || !isAddress(it.Link) || it.PublishedParsed == nil || it.Content == "" && it.Description == "" {
				ts.Fatalf("%s: %+v", name, it)
			}
			items = append(items, it.Title+" "+it.GUID+" "+it.PublishedParsed.UTC().String())
			if key := name + " " + it.GUID; !known[key] {
				known[key] = true
				fresh++
			}
		}
		stem := strings.TrimSuffix(name, ending)
		if other, ok := read[stem]; ok && !slices.Equal(items, other) {
			ts.Fatalf("%s and another format of it differ:\n%q\n%q", name, items, other)
		}
		read[stem] = items
		return nil
	}))
	if documents == 0 || documents%3 != 0 || len(read) != documents/3 {
		ts.Fatalf("%d documents of %d feeds", documents, len(read))
	}
	if args[1] != strconv.Itoa(fresh) && (args[1] != "some" || fresh == 0) {
		ts.Fatalf("%d new", fresh)
	}
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != ""
}
