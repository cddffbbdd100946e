package web

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

// issuesPerPage is how many issues a page of a newsletter lists.
const issuesPerPage = 50

// newsletterView is a newsletter and what came out so far.
type newsletterView struct {
	Name, Title, Description string
	Lang                     string
	Sender                   mail.Address
	Next                     time.Time // due; zero: by hand, or unknown
	Issues                   []issueLink
	Page                     int // of Issues, from 1; 0: there is no list
	Pages                    int
	Note                     string      // who may read them, where not everybody may
	AskURL                   string      // where subscribers ask for their link to them; empty: there is none to ask for
	Rehearsal                bool        // the issues went to the catcher only
	Form                     *signUpForm // nil: there is none here
	Closed                   bool        // nobody can sign up
	EmbedURL                 string
}

// issueLink is an issue in a list.
type issueLink struct {
	Number  int
	Subject string
	Date    time.Time
	URL     string
}

// newsletter shows what a newsletter is, when the next issue is due, and the
// issues so far.
func (s *server) newsletter(w http.ResponseWriter, r *http.Request) error {
	n, err := s.named(r)
	if err != nil {
		return err
	}
	p := s.newPage(n.Language)
	v := newsletterView{Name: n.Name, Title: n.Title, Description: n.Description, Lang: n.Language, Sender: n.From, Next: s.nextIssue(n, s.now()), Closed: n.Closed}
	at := s.publicArchive(n.Name)
	switch n.Archive {
	case newsletter.ArchivePublic:
		if err := s.listIssues(r, n, at, &v); err != nil {
			return err
		}
	case newsletter.ArchivePrivate:
		v.Note, v.AskURL = p.words.T("archive.subscribers"), s.base+archivePath(n.Name)
		p.Hidden = true
	default:
		v.Note = p.words.T("archive.by_mail")
	}
	if !n.Closed {
		v.Form, v.EmbedURL = s.form(n, p, asked{page: at.list}, s.now()), at.list+"/embed"
	}
	p.View, p.Title, p.Description = v, n.Title, n.Description
	if !p.Hidden {
		p.paged("/newsletters/"+url.PathEscape(n.Name), s, v.Page, v.Pages)
		p.Meta = s.social(social{kind: "website", title: n.Title, description: n.Description, url: p.Canonical, language: n.Language})
	}
	if v.Page > 1 {
		p.Title += " · " + p.words.T("page.page_of", "page", v.Page, "pages", v.Pages)
	}
	p.Own = s.issueFeeds(n)
	linkFeeds(w, p.Own)
	return s.show(w, r, http.StatusOK, "newsletter.html", p)
}

// issueFeeds are the feeds of a newsletter's issues, where everybody may read them.
func (s *server) issueFeeds(n newsletter.Newsletter) []feedLink {
	f, ok := s.directory().catalogue.Of(publish.Newsletter, n.Name)
	if !ok || n.Archive != newsletter.ArchivePublic {
		return nil
	}
	return s.feedLinks(f)
}

// named returns the newsletter that the path of a request names; what was one is gone.
func (s *server) named(r *http.Request) (newsletter.Newsletter, error) {
	n, err := s.o.Service.Newsletter(r.PathValue("newsletter"))
	if errors.Is(err, store.ErrNotFound) && s.directory().catalogue.WasHome("/newsletters/"+r.PathValue("newsletter")) {
		err = status(http.StatusGone)
	}
	return n, err
}

// toIssues leads those who cut the address of an issue short to the list of them.
func (s *server) toIssues(w http.ResponseWriter, r *http.Request) error {
	n, err := s.named(r)
	if err != nil {
		return err
	}
	http.Redirect(w, r, s.publicArchive(n.Name).list, http.StatusFound)
	return nil
}

// listIssues fills in the issues that came out, the newest first, of the page that
// ?page= asks for: the real ones, or, while there is none, those of the rehearsal.
func (s *server) listIssues(r *http.Request, n newsletter.Newsletter, in archive, v *newsletterView) error {
	ctx := r.Context()
	var err error
	if v.Page, err = askedPage(r); err != nil {
		return err
	}
	if v.Rehearsal, err = s.rehearses(ctx, n.Name); err != nil {
		return err
	}
	q := store.IssueQuery{Newsletter: n.Name, Rehearsal: &v.Rehearsal, Out: true}
	total, err := s.store.CountIssues(ctx, q)
	if err != nil {
		return err
	}
	if v.Pages = pagesOf(total, issuesPerPage); v.Page > v.Pages {
		return status(http.StatusNotFound)
	}
	q.Limit, q.Offset = issuesPerPage, (v.Page-1)*issuesPerPage
	issues, err := s.store.Issues(ctx, q)
	if err != nil {
		return err
	}
	for _, i := range issues {
		v.Issues = append(v.Issues, issueLink{Number: i.Number, Subject: i.Subject, Date: i.CreatedAt.In(s.zone(n)), URL: in.issue(i.Number)})
	}
	v.Rehearsal = v.Rehearsal && total > 0
	return nil
}

// rehearses reports whether no real issue of a newsletter came out yet.
func (s *server) rehearses(ctx context.Context, name string) (bool, error) {
	rehearsal := false
	n, err := s.store.CountIssues(ctx, store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal, Out: true})
	return n == 0, err
}

func issuePath(name string, number int) string {
	return "/newsletters/" + url.PathEscape(name) + "/issues/" + strconv.Itoa(number)
}

// nextIssue returns when the next issue is due, in the newsletter's zone; zero:
// unknown.
func (s *server) nextIssue(n newsletter.Newsletter, now time.Time) time.Time {
	if n.Schedule == "" {
		return time.Time{}
	}
	schedule, err := jobs.ParseSchedule(n.Schedule, s.zone(n))
	if err != nil {
		return time.Time{}
	}
	due, ok := schedule.Next(now)
	if !ok {
		return time.Time{}
	}
	return due.At.In(s.zone(n))
}

func (s *server) zone(n newsletter.Newsletter) *time.Location {
	if n.Location != nil {
		return n.Location
	}
	return s.site.Location
}
