package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Locate says where the site folder is: Dir, from then on. It refuses a source
// whose folder holds the site folder, or what Syndicate writes, by whatever path
// or link it leads there: it would publish what it published, without end. (What
// can be told from the file alone, Parse refuses.) The error is an *Error.
func (c *Config) Locate(dir string) error {
	c.Dir = dir
	own := []struct{ path, name string }{{dir, "the site folder"}, {c.Path("data"), "data, which Syndicate writes itself,"}}
	if c.Feeds.Dir != "" {
		own = append(own, struct{ path, name string }{c.Path(c.Feeds.Dir), c.Feeds.Dir + ", which Syndicate writes itself,"})
	}
	var problems []Problem
	for i, s := range c.Sources {
		if s.Dir == "" {
			continue
		}
		root := realPath(c.Path(s.Dir))
		for _, o := range own {
			in, err := filepath.Rel(root, realPath(o.path))
			if err != nil || in == ".." || strings.HasPrefix(in, ".."+string(filepath.Separator)) {
				continue
			}
			key := fmt.Sprintf("sources[%d].dir", i)
			at := nearest(c.where, key)
			problems = append(problems, Problem{
				File: c.file, Line: at.line, Column: at.column,
				Message: fmt.Sprintf("%s: the folder %s has %s in it", key, quote(s.Dir), o.name),
				Hint:    "give the articles a folder of their own",
			})
			break
		}
	}
	if len(problems) > 0 {
		return newError(problems)
	}
	return nil
}

// realPath is an absolute path without links. What does not exist yet, such as the
// folder of the feeds, is taken as it is written.
func realPath(p string) string {
	p, err := filepath.Abs(p)
	if err != nil {
		return filepath.Clean(p)
	}
	if target, err := filepath.EvalSymlinks(p); err == nil {
		return target
	}
	if parent := filepath.Dir(p); parent != p {
		return filepath.Join(realPath(parent), filepath.Base(p))
	}
	return p
}
