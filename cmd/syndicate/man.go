package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the man pages and the shell completions: for packagers.
func manCommand(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:    "man --dir DIR",
		Short:  "Write the man pages and the shell completions",
		Hidden: true,
		Args:   arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				return usage("syndicate man --dir dist", "man needs --dir, the folder to write to")
			}
			return writeDocs(c.Root(), dir)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write to `DIR`/man1 and DIR/completions")
	return c
}

func writeDocs(root *cobra.Command, dir string) error {
	man, shells := filepath.Join(dir, "man1"), filepath.Join(dir, "completions")
	for _, d := range []string{man, shells} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Syndicate", Manual: "Syndicate"}, man); err != nil {
		return fmt.Errorf("writing the man pages: %w", err)
	}
	if err := mendPages(root, man); err != nil {
		return err
	}
	for name, generate := range map[string]func(*bytes.Buffer) error{
		"syndicate.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_syndicate":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"syndicate.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"syndicate.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := generate(&b); err != nil {
			return fmt.Errorf("making %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(shells, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
