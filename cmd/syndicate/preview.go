package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// previewCommand shows the next digest.
func previewCommand(a *app) *cobra.Command {
	var out string
	var html, text, eml bool
	c := &cobra.Command{
		Use:   "preview NEWSLETTER",
		Short: "Show the next digest; change nothing",
		Long: `Preview shows the issue that would go out now, as most of its subscribers would get it.
It changes nothing: files that were not taken in yet are left out, and it says so. When
nothing is new, it shows the latest articles instead.

By default it prints a summary and the text. --out writes NEWSLETTER.html, .txt and .eml
to a folder; --html, --text and --eml print one of them.`,
		Example: `    syndicate preview weekly
    syndicate preview weekly --out /tmp/preview
    syndicate preview weekly --eml | less`,
		Args:              arguments(1, 1, "the name of a NEWSLETTER"),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			if err := known(s.cfg, args...); err != nil {
				return err
			}
			if n := len(slices.DeleteFunc([]bool{out != "", html, text, eml}, func(set bool) bool { return !set })); n > 1 {
				return usage("syndicate preview --help", "--out, --html, --text and --eml do not go together")
			}
			p, err := s.service.PreviewOrExample(ctx, args[0])
			if err != nil {
				return err
			}
			s.tellFresh(ctx)
			s.tellExample(p)
			return s.preview(p, out, html, text, eml)
		}),
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "write the three files to `DIR`")
	f.BoolVar(&html, "html", false, "print the HTML")
	f.BoolVar(&text, "text", false, "print the text")
	f.BoolVar(&eml, "eml", false, "print the message, as a mail program reads it")
	return c
}

// reader is whom previews are addressed to.
const reader = "reader@example.org"

func (s *site) preview(p jobs.Preview, out string, html, text, eml bool) error {
	d := p.Groups[0].Digest
	filled := placeholders(s.cfg.Web.URL, s.service.PreviewURL())
	message, err := s.service.Message(p, reader)
	if err != nil {
		return err
	}
	var files []string
	switch {
	case html:
		s.printf("%s", filled.Replace(d.HTML))
		return nil
	case text:
		s.printf("%s", filled.Replace(d.Text))
		return nil
	case eml:
		_, err := s.out.Write(message)
		return err
	case out != "":
		name := filepath.Join(out, p.Newsletter.Name)
		err := os.MkdirAll(out, 0o755)
		for ext, data := range map[string]string{".html": filled.Replace(d.HTML), ".txt": filled.Replace(d.Text), ".eml": string(message)} {
			err = errors.Join(err, os.WriteFile(name+ext, []byte(data), 0o644))
		}
		if err != nil {
			return err
		}
		files = []string{name + ".html", name + ".txt", name + ".eml"}
	}
	if s.json {
		v := viewPreview(p)
		v.Files = files
		return s.printJSON(v)
	}
	s.tellPreview(p)
	if out != "" {
		s.printf("\n%s\n", strings.Join(files, "\n"))
		return nil
	}
	s.printf("\n%s\n", strings.TrimRight(filled.Replace(d.Text), "\n"))
	return nil
}

// placeholders fills in what each recipient has to itself.
func placeholders(url, web string) *strings.Replacer {
	return strings.NewReplacer(
		newsletter.PlaceholderUnsubscribe, url+"/unsubscribe/"+newsletter.PreviewToken,
		newsletter.PlaceholderPreferences, url+"/preferences/"+newsletter.PreviewToken,
		newsletter.PlaceholderWeb, web,
		newsletter.PlaceholderName, "", newsletter.PlaceholderNameEnd, "", // as for somebody without a name
		newsletter.PlaceholderAddress, newsletter.MaskAddress(reader),
	)
}

// previewView is a preview in JSON.
type previewView struct {
	Newsletter string      `json:"newsletter"`
	Rehearsal  bool        `json:"rehearsal"`
	Nothing    string      `json:"nothing,omitempty"`
	Example    string      `json:"example,omitempty"` // what is shown instead
	Number     int         `json:"number"`
	Hash       string      `json:"hash,omitempty"`
	Subject    string      `json:"subject,omitempty"`
	Recipients int         `json:"recipients"`
	Groups     []groupView `json:"groups,omitempty"`
	Files      []string    `json:"files,omitempty"`
}

type groupView struct {
	Count    int      `json:"count"`
	Language string   `json:"language"`
	Topics   []string `json:"topics,omitempty"`
	Articles []string `json:"articles"` // titles
	More     int      `json:"more"`
}

func viewPreview(p jobs.Preview) previewView {
	v := previewView{
		Newsletter: p.Newsletter.Name, Rehearsal: p.Rehearsal, Nothing: p.Nothing, Example: p.Example,
		Number: p.Number, Hash: p.Hash, Recipients: p.Recipients,
	}
	for i, g := range p.Groups {
		if i == 0 {
			v.Subject = g.Digest.Subject
		}
		view := groupView{Count: g.Count, Language: g.Language, Topics: g.Topics, More: g.More, Articles: []string{}}
		for _, art := range g.Articles {
			view.Articles = append(view.Articles, art.Title)
		}
		v.Groups = append(v.Groups, view)
	}
	return v
}

// tellNothing says why there is no next issue.
func (s *site) tellNothing(p jobs.Preview) {
	s.printf("%s: nothing to send: %s\n", p.Newsletter.Name, p.Nothing)
}

// tellExample says that what is shown is not the next issue.
func (s *site) tellExample(p jobs.Preview) {
	switch {
	case p.Example != "":
		s.notef("%s has no next issue (%s); this shows %s.", p.Newsletter.Name, p.Nothing, p.Example)
	case p.Nothing != "":
		s.notef("%s has no next issue: %s.", p.Newsletter.Name, p.Nothing)
	}
}

// tellPreview says what an issue would be.
func (s *site) tellPreview(p jobs.Preview) {
	first := p.Groups[0]
	rows := [][]string{
		{"issue", fmt.Sprintf("%s/%d", p.Newsletter.Name, p.Number)},
		{"subject", first.Digest.Subject},
		{"from", p.Newsletter.From.String()},
		{"hash", jobs.ShortHash(p.Hash)},
		{"size", size(len(first.Digest.HTML)) + " of HTML"},
	}
	if p.Example != "" { // nobody gets it
		rows = slices.Delete(rows, 3, 4)
		rows[0] = []string{"example", fmt.Sprintf("%s of %s", p.Example, p.Newsletter.Name)}
		s.table(nil, rows)
		return
	}
	for _, g := range p.Groups {
		rows = append(rows, []string{"to", join(" · ", count(g.Count, "subscriber"), g.Language, strings.Join(g.Topics, ", "),
			count(len(g.Articles), "article"), counted(g.More, "more linked"))})
	}
	s.table(nil, rows)
}

// tellFresh says that there are files which the store does not know yet.
func (s *site) tellFresh(ctx context.Context) {
	for _, src := range s.options.Sources {
		state, err := s.store.SourceState(ctx, src.Name())
		if err != nil {
			return
		}
		listing, err := src.List(ctx, source.Ask{State: state.State, Mode: source.Nobody})
		if err != nil {
			s.warn(src.Name(), message(err), "")
			continue
		}
		gone := len(listing.Vanished)
		if newsletter.HoldVanished(listing.Known, gone) && !state.Accepted {
			s.warn(src.Name(), fmt.Sprintf("%s vanished at once; their articles stay published until you accept it", count(gone, "file")),
				"if they are really gone: syndicate articles prune "+shellWord(src.Name()))
			gone = 0
		}
		if n := listing.Changed + gone; n > 0 {
			s.warn(src.Name(), count(n, "file")+" changed since the last build", "syndicate build takes them in")
		}
	}
}
