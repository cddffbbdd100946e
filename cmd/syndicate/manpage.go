package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// What cobra writes of flags: --due[=false], and --limit=100 before a line that
// names the value.
var (
	manSwitch = regexp.MustCompile(`(\\fB--[a-z-]+\\fP)\[=false\]`)
	manNamed  = regexp.MustCompile(`(\\fB--[a-z-]+\\fP)=("[^"]*"|\S*)\n(.*?)\\fB([A-Z][A-Z/…-]*)\\fR(.*)`)
	manEmpty  = regexp.MustCompile(`(\\fB--[a-z-]+\\fP)=(?:""|\[\])\n`)
)

// mendPages makes the generated pages read as man pages do: flags with the names of
// their values, and a list of commands where there are some.
func mendPages(c *cobra.Command, dir string) error {
	name := filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
	if page, err := os.ReadFile(name); err == nil { // hidden commands have none
		if err := os.WriteFile(name, []byte(mendPage(c, string(page))), 0o644); err != nil { //nolint:gosec // for everybody to read
			return fmt.Errorf("writing the man pages: %w", err)
		}
	}
	for _, sub := range c.Commands() {
		if err := mendPages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

func mendPage(c *cobra.Command, page string) string {
	page = manSwitch.ReplaceAllString(page, "$1")
	page = manNamed.ReplaceAllStringFunc(page, func(found string) string {
		m := manNamed.FindStringSubmatch(found)
		usual := ""
		if value := strings.Trim(m[2], `"[]`); value != "" {
			usual = " (default " + value + ")"
		}
		return m[1] + ` \fI` + m[4] + "\\fP\n" + m[3] + `\fI` + m[4] + `\fP` + m[5] + usual
	})
	page = manEmpty.ReplaceAllString(page, "$1\n")
	if !c.HasAvailableSubCommands() {
		return page
	}
	page = strings.Replace(page, c.CommandPath()+` [flags]\fP`, c.CommandPath()+` COMMAND [flags]\fP`, 1)
	var list strings.Builder
	list.WriteString(".SH COMMANDS\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(&list, ".TP\n\\fB%s\\fP\n%s\n", sub.Name(), sub.Short)
		}
	}
	return strings.Replace(page, ".SH OPTIONS", list.String()+"\n\n.SH OPTIONS", 1)
}
