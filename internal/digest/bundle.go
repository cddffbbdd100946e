package digest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"syndicate/internal/templating"
)

// Bundle holds the mail templates of one newsletter: the path of each file as
// shown in errors ("templates/email/digest.html") and its text. digest.html,
// digest.txt and subject.txt are rendered; other .html and .txt files may define
// templates for them. An issue freezes its bundle.
type Bundle map[string]string

const (
	mailFolder   = "email"
	letterFolder = "letters"
)

// ReadBundle reads the mail templates. site and builtin are "templates" folders;
// each file is taken from the folder override of site (empty: none), else from
// email/ of site, else from email/ of builtin, so that a site may have only the
// files it changes, or none.
func ReadBundle(site, builtin fs.FS, override string) (Bundle, error) {
	b := Bundle{}
	if override != "" {
		if !fs.ValidPath(override) {
			return nil, fmt.Errorf("templates/%s: not a folder below templates/", override)
		}
		if info, err := fs.Stat(site, override); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("templates/%s: there is no such folder; make it, or take it out of the newsletter's settings", override)
		}
		if err := b.read(site, override, "templates/"); err != nil {
			return nil, err
		}
	}
	if err := b.read(site, mailFolder, "templates/"); err != nil {
		return nil, err
	}
	if err := b.read(builtin, mailFolder, "built-in/"); err != nil {
		return nil, err
	}
	return b, nil
}

// ReadLetters reads the templates of letters on request: from the folder letters of
// override, else letters/ of site, else letters/ of builtin, file by file.
func ReadLetters(site, builtin fs.FS, override string) (Bundle, error) {
	b := Bundle{}
	for _, from := range []struct {
		fsys  fs.FS
		dir   string
		label string
	}{
		{site, path.Join(override, letterFolder), "templates/"},
		{site, letterFolder, "templates/"},
		{builtin, letterFolder, "built-in/"},
	} {
		if !fs.ValidPath(from.dir) {
			return nil, fmt.Errorf("templates/%s: not a folder below templates/", override)
		}
		if err := b.read(from.fsys, from.dir, from.label); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// read takes the template files of a folder in, but for those it has already.
func (b Bundle) read(fsys fs.FS, dir, label string) error {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s%s: %w", label, dir, err)
	}
	have := map[string]bool{}
	for p := range b {
		have[path.Base(p)] = true
	}
	for _, e := range entries {
		name, ext := e.Name(), path.Ext(e.Name())
		if e.IsDir() || have[name] || strings.HasPrefix(name, ".") || ext != ".html" && ext != ".txt" {
			continue
		}
		file := path.Join(dir, name)
		text, err := templating.Read(fsys, file)
		if err != nil {
			return fmt.Errorf("%s%s: %w", label, file, err)
		}
		b[label+file] = text
	}
	return nil
}

// find returns the path of the file of that name, empty if there is none.
func (b Bundle) find(name string) string {
	for p := range b {
		if path.Base(p) == name {
			return p
		}
	}
	return ""
}
