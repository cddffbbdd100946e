package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"syndicate"
)

// initCommand writes the starter site.
func initCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a new site",
		Long: `Init writes a complete site with sample articles and two newsletters to DIR, by
default to the current folder. It never overwrites: if one of its files is there
already, it writes nothing.`,
		Example: `    syndicate init letter
    syndicate -C letter run`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := a.dir
			if len(args) > 0 {
				dir = filepath.Join(a.dir, args[0])
				if filepath.IsAbs(args[0]) {
					dir = args[0]
				}
			}
			return a.init(c.Context(), dir)
		},
	}
}

func (a *app) init(ctx context.Context, dir string) error {
	files, err := starterFiles()
	if err != nil {
		return err
	}
	if there := inTheWay(dir, files); len(there) > 0 {
		shown := there
		if len(shown) > 6 {
			shown = append(shown[:5:5], fmt.Sprintf("%d more", len(there)-5))
		}
		return hinted(fmt.Errorf("%s has some of these files already: %s; nothing was written", dir, enumerate(shown)),
			"syndicate init takes the name of a new folder")
	}
	if _, err := os.Lstat(filepath.Join(dir, ignoreFile)); errors.Is(err, fs.ErrNotExist) {
		files = append(files, ignoreFile) // who has one of their own keeps it
	}
	if err := writeStarter(ctx, dir, files); err != nil {
		return fmt.Errorf("making a site in %s: %w", dir, err)
	}
	if a.json {
		return a.printJSON(struct {
			Dir   string   `json:"dir"`
			Files []string `json:"files"`
		}{dir, files})
	}
	in := ""
	if filepath.Clean(dir) != "." {
		in = " -C " + shellWord(dir)
	}
	a.printf("A new site is in %s: %d files. Its settings are in config.yaml.\n\n", dir, len(files))
	a.printf("    syndicate%s run      feeds to public/, mail to data/outbox/\n", in)
	a.printf("    syndicate%s serve    keep doing it, and show it at http://localhost:8080/\n", in)
	return nil
}

// ignoreFile tells git what of a site it is not to keep.
const (
	ignoreFile = ".gitignore"
	ignored    = `# made at run time
/data/
/public/

# secrets
/keys/
/secrets/
/.env
`
)

// starterFile returns the content of a file of a new site.
func starterFile(name string) ([]byte, error) {
	if name == ignoreFile {
		return []byte(ignored), nil
	}
	return syndicate.Starter.ReadFile(name)
}

// starterFiles lists the files of the starter, slash-separated.
func starterFiles() ([]string, error) {
	var files []string
	err := fs.WalkDir(syndicate.Starter, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// inTheWay returns the files that are in the folder already, or a file that is
// where a folder should be.
func inTheWay(dir string, files []string) []string {
	var there []string
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return []string{filepath.Base(dir)}
	}
	for _, name := range files {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			there = append(there, name)
		}
	}
	return there
}

// writeStarter writes the files. If one fails, those before it go again.
func writeStarter(ctx context.Context, dir string, files []string) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				os.Remove(path)
			}
		}
	}()
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := starterFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(name, "subscribers/") {
			mode = 0o600 // people's addresses
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		written = append(written, path)
		_, err = f.Write(data)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// shellWord quotes a word for a command line, if it needs it.
func shellWord(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=", r)
	}) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
