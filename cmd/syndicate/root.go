package main

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what all verbs share: the surroundings and the global flags.
type app struct {
	system
	dir     string
	file    string
	json    bool
	verbose bool
	offline bool // mail though nobody knows whether its links lead here

	grace atomic.Int64 // delivery.grace, once the configuration is read; a time.Duration
}

// clock is the time now.
func (a *app) clock() time.Time {
	if a.now != nil {
		return a.now()
	}
	return time.Now()
}

// The groups of the commands in help.
const (
	groupJob   = "job"
	groupSite  = "site"
	groupStore = "store"
)

func rootCommand(a *app) *cobra.Command {
	cobra.EnableCommandSorting = false // commands are told in the order of use
	root := &cobra.Command{
		Use:   "syndicate",
		Short: "Articles in, feeds and e-mail digests out",
		Long: `Syndicate turns a folder of articles into feeds for feed readers and digests for
subscribers' mailboxes. A site is a folder; config.yaml says everything about it.`,
		Example: `    syndicate init letter        a new site, with sample articles, in ./letter
    syndicate -C letter run      feeds to letter/public/, mail to letter/data/outbox/
    syndicate -C letter serve    keep doing it, on schedule, with pages on the web`,
		Args:              subcommand,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.dir, "site", "C", ".", "work on the site in the folder `DIR`")
	flags.StringVar(&a.file, "config", "", "read the configuration from `FILE` instead of config.yaml")
	flags.BoolVar(&a.json, "json", false, "report in JSON")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what happens to standard error")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.AddGroup(
		&cobra.Group{ID: groupJob, Title: "The job:"},
		&cobra.Group{ID: groupSite, Title: "The site:"},
		&cobra.Group{ID: groupStore, Title: "What the site holds:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupJob, runCommand(a), serveCommand(a), workerCommand(a), buildCommand(a), pingCommand(a), previewCommand(a), sendCommand(a))
	add(groupSite, initCommand(a), checkCommand(a), statusCommand(a), dkimCommand(a))
	add(groupStore, articlesCommand(a), issuesCommand(a), subscribersCommand(a), suppressionsCommand(a), lettersCommand(a), bouncesCommand(a), bounceCommand(a), retentionCommand(a))
	root.AddCommand(versionCommand(a), manCommand(a))
	root.SetHelpCommand(helpCommand(root))
	// Here and not by cobra, which would take any word after it and print its help.
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = subcommand, needsCommand
		}
	}
	root.Version = readBuild().String()
	root.SetVersionTemplate("syndicate {{.Version}}\n")
	root.Flags().Bool("version", false, "say which Syndicate this is")
	return root
}

// offlineLinks is the flag of all verbs that mail.
func (a *app) offlineLinks(c *cobra.Command) {
	c.Flags().BoolVar(&a.offline, "offline-links", false, "mail through a relay though web.url does not answer as this site")
}

// group is a command that only has subcommands.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  subcommand,
		RunE:  needsCommand,
	}
	c.AddCommand(subcommands...)
	return c
}

func needsCommand(c *cobra.Command, _ []string) error {
	return usage(see(c), "%s needs one of its commands: %s", c.Name(), strings.Join(names(c), ", "))
}

// helpCommand says what a command is for.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(c), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return usage(see(root), "%w", err)
			}
			if len(rest) > 0 {
				return subcommand(c, rest)
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// subcommand refuses arguments: what is left there is a command nobody knows.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := see(c)
	if n := nearest(args[0], names(c)); n != "" {
		hint = fmt.Sprintf("did you mean %s? %s lists the commands", n, hint)
	}
	return usage(hint, "unknown command %q", strings.TrimSpace(strings.TrimPrefix(c.CommandPath()+" "+args[0], c.Root().Name()+" ")))
}

func names(c *cobra.Command) []string {
	var list []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			list = append(list, s.Name())
		}
	}
	return list
}

// see points to the help of a command.
func see(c *cobra.Command) string { return c.CommandPath() + " --help" }

// flagError says what is wrong with a flag, and what was perhaps meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(see(c), "%w", err)
	}
	if unknown.GetSpecifiedShortnames() != "" {
		return usage(see(c), "unknown flag -%s", unknown.GetSpecifiedName())
	}
	var all []string
	c.Flags().VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	hint := see(c)
	if n := nearest(unknown.GetSpecifiedName(), all); n != "" {
		hint = fmt.Sprintf("did you mean --%s? %s lists the flags", n, hint)
	}
	return usage(hint, "unknown flag --%s", unknown.GetSpecifiedName())
}

// arguments takes from least to most arguments (most < 0: any number), named as in
// the usage line.
func arguments(least, most int, name ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("usage: "+c.UseLine(), "%s needs %s", c.Name(), name[len(args)])
		case most >= 0 && len(args) > most:
			return usage("usage: "+c.UseLine(), "one argument too many: %q", args[most])
		}
		return nil
	}
}

// helpTemplate shows what a command is for, then how it is used.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

const usageTemplate = `Usage:
    {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND [flags]{{else}}{{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}{{$all := .Commands}}
{{- range $group := .Groups}}

{{.Title}}{{range $all}}{{if eq .GroupID $group.ID}}
    {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}

{{if .Groups}}Besides:{{else}}Commands:{{end}}{{range $all}}{{if and (eq .GroupID "") (or .IsAvailableCommand (eq .Name "help"))}}
    {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

Global flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}
`
