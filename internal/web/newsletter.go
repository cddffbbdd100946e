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

// maxIssues is how many issues a newsletter's page lists.
const maxIssues = 100

// newsletterView is a newsletter and what came out so far.
type newsletterView struct {
	Name, Title, Description string
	Lang                     string
	Sender                   mail.Address
	Next                     time.Time // due; zero: by hand, or unknown
	Issues                   []issueLink
	Rehearsal                bool        // the issues went to the catcher only
	Form                     *signUpForm // nil: nobody can sign up
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
	n, err := s.o.Service.Newsletter(r.PathValue("newsletter"))
	if errors.Is(err, store.ErrNotFound) && s.directory().catalogue.WasHome(r.URL.Path) {
		return status(http.StatusGone)
	}
	if err != nil {
		return err
	}
	issues, rehearsal, err := s.publicIssues(r.Context(), n.Name)
	if err != nil {
		return err
	}
	p := s.newPage(n.Language)
	v := newsletterView{
		Name: n.Name, Title: n.Title, Description: n.Description, Lang: n.Language, Sender: n.From,
		Next: s.nextIssue(n, s.now()), Rehearsal: rehearsal,
	}
	for _, i := range issues {
		v.Issues = append(v.Issues, issueLink{
			Number: i.Number, Subject: i.Subject, Date: i.CreatedAt.In(s.zone(n)),
			URL: s.base + issuePath(n.Name, i.Number),
		})
	}
	if !n.Closed { // the stamp stands still for a while, so that the page need not be sent again
		v.Form, v.EmbedURL = s.form(n, p, asked{}, s.now().Truncate(time.Hour)), s.base+"/newsletters/"+url.PathEscape(n.Name)+"/embed"
	}
	p.View, p.Title, p.Description = v, n.Title, n.Description
	p.Canonical = s.site.URL + "/newsletters/" + url.PathEscape(n.Name)
	p.Meta = []meta{{"og:type", "website"}, {"og:title", n.Title}, {"og:site_name", s.site.Title}, {"og:url", p.Canonical}}
	if f, ok := s.directory().catalogue.Of(publish.Newsletter, n.Name); ok {
		p.Own = s.feedLinks(f)
		linkFeeds(w, p.Own)
	}
	return s.show(w, r, http.StatusOK, "newsletter.html", p)
}

// publicIssues returns the issues that went out, newest first: the real ones,
// or, while there is none, those of the rehearsal.
func (s *server) publicIssues(ctx context.Context, name string) (issues []newsletter.Issue, rehearsal bool, err error) {
	for _, rehearsal := range []bool{false, true} {
		all, err := s.store.Issues(ctx, store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal, Limit: maxIssues})
		if err != nil {
			return nil, false, err
		}
		for _, i := range all {
			if isPublic(i) {
				issues = append(issues, i)
			}
		}
		if len(issues) > 0 {
			return issues, rehearsal, nil
		}
	}
	return nil, false, nil
}

// isPublic reports whether an issue is out: its audience is complete and its
// sending began. What waits for approval or was cancelled is nobody's business.
func isPublic(i newsletter.Issue) bool {
	switch i.State {
	case newsletter.IssueSending, newsletter.IssueSent:
		return true
	case newsletter.IssuePaused:
		return i.Sealed
	}
	return false
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
