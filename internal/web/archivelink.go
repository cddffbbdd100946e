package web

import (
	"net/http"
	"net/url"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// archiveView is the page for who comes to issues that are for subscribers, without a
// link: whoever is one can have a link mailed.
type archiveView struct {
	State         string // "ask", "sent"
	Newsletter    string // title
	Lang          string // of the title
	NewsletterURL string
	Action        string // where the form goes
	Stamp         string // when it was made, signed
	Email         string // as typed
	Problem       string // why it was not taken, for people; empty: nothing is wrong
}

func archivePath(name string) string { return "/newsletters/" + url.PathEscape(name) + "/archive" }

// archivePage has the form; where everybody may read, it leads there.
func (s *server) archivePage(w http.ResponseWriter, r *http.Request) error {
	n, err := s.named(r)
	if err != nil {
		return err
	}
	if n.Archive == newsletter.ArchivePublic {
		http.Redirect(w, r, s.publicArchive(n.Name).list, http.StatusFound)
		return nil
	}
	if n.Archive != newsletter.ArchivePrivate {
		return s.notForAll(w, r, n)
	}
	return s.showArchive(w, r, http.StatusOK, n, archiveView{State: "ask"})
}

// askArchive mails a link to the issues to whoever is subscribed. As with a sign-up,
// nothing is looked up here: each address gets the same answer after the same work.
func (s *server) askArchive(w http.ResponseWriter, r *http.Request) error {
	n, err := s.named(r)
	if err != nil {
		return err
	}
	if n.Archive != newsletter.ArchivePrivate {
		return status(http.StatusNotFound)
	}
	if err := s.mayAsk(w, r); err != nil {
		return err
	}
	typed, err := s.readForm(r, n)
	if err != nil {
		return err
	}
	v := archiveView{State: "ask", Email: typed.email}
	words := s.private(n.Language).words
	address, err := roster.Address(typed.email)
	switch {
	case err != nil:
		v.Problem = words.T("signup.invalid")
		return s.showArchive(w, r, http.StatusUnprocessableEntity, n, v)
	case typed.trapped:
	case typed.hasty || typed.source != "form": // it stands on pages of this site only
		v.Problem = words.T("signup.again")
		return s.showArchive(w, r, http.StatusOK, n, v)
	default:
		err := s.o.Service.SignUp(r.Context(), n.Name, address, newsletter.SignUp{
			At: s.now().UTC().Truncate(time.Second), Source: typed.source, Network: s.networkOf(r), ArchiveOnly: true,
		})
		if err != nil {
			return err
		}
	}
	v.State = "sent"
	return s.showArchive(w, r, http.StatusOK, n, v)
}

func (s *server) showArchive(w http.ResponseWriter, r *http.Request, code int, n newsletter.Newsletter, v archiveView) error {
	p := s.private(n.Language)
	made := s.now()
	if v.Problem != "" { // they have seen it long enough
		made = made.Add(-formLeast)
	}
	v.Newsletter, v.Lang, v.NewsletterURL = n.Title, n.Language, s.publicArchive(n.Name).list
	v.Action, v.Stamp = s.base+archivePath(n.Name), s.stampForm("", made)
	p.Title, p.View = p.words.T("archive.private"), v
	if v.State == "sent" {
		p.Title = p.words.T("signup.sent")
	}
	return s.show(w, r, code, "archive.html", p)
}
