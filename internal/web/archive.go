package web

import (
	"net/http"
	"net/url"
	"strconv"

	"syndicate/internal/newsletter"
)

// archive is where somebody reads the issues of a newsletter.
type archive struct {
	list     string // address of the page that lists them
	issues   string // what the address of an issue begins with, before its number
	language string // of the reader, where it is known; else empty
	private  bool
}

func (a archive) issue(number int) string { return a.issues + strconv.Itoa(number) }

// publicArchive is on the newsletter's page.
func (s *server) publicArchive(name string) archive {
	page := s.base + "/newsletters/" + url.PathEscape(name)
	return archive{list: page, issues: page + "/issues/"}
}

// privateArchive is behind a token. It goes on from link to link: there are no cookies.
func (s *server) privateArchive(token, language string) archive {
	page := s.base + "/read/" + token + "/issues"
	return archive{list: page, issues: page + "/", language: language, private: true}
}

// archiveLink is the address of a newsletter's issues for the owner of a subscription.
func (s *server) archiveLink(n newsletter.Newsletter, sub *newsletter.Subscription) string {
	if n.Archive != newsletter.ArchivePrivate || sub.State != newsletter.SubscriptionConfirmed {
		return s.publicArchive(n.Name).list
	}
	return s.privateArchive(s.store.Keyring().Token(newsletter.Claim{
		Purpose: newsletter.PurposeRead, Subscriber: sub.Subscriber.ID, Newsletter: n.Name,
	}, sub.Subscriber.Email), "").list
}

// reader is who reads a private archive.
type reader struct {
	owner
	newsletter newsletter.Newsletter
	archive    archive
}

// reading makes a handler of one for a link into a private archive. The link is good
// for as long as the subscription lasts: who has left reads on no more, nor does who
// had the link from them. It opens nothing else, because mail is passed on.
func (s *server) reading(handle func(http.ResponseWriter, *http.Request, reader) error) func(http.ResponseWriter, *http.Request) error {
	return s.mailed(newsletter.PurposeRead, func(w http.ResponseWriter, r *http.Request, o owner) error {
		n, err := s.o.Service.Newsletter(o.claim.Newsletter)
		if err != nil {
			return err
		}
		if n.Archive == newsletter.ArchiveNone {
			return s.archiveNotice(w, r, s.private(n.Language), n, http.StatusNotFound, "archive.none")
		}
		if o.subscription.State != newsletter.SubscriptionConfirmed && n.Archive == newsletter.ArchivePrivate {
			return s.archiveNotice(w, r, s.ownPage(o.subscription, n), n, http.StatusForbidden, "archive.ended")
		}
		x := reader{o, n, s.privateArchive(r.PathValue("token"), o.subscription.Subscriber.Language)}
		if n.Archive == newsletter.ArchivePublic { // it was private when the mail went out
			x.archive = s.publicArchive(n.Name)
		}
		return handle(w, r, x)
	})
}

// readMailed shows the issue as the mail brought it that had the link.
func (s *server) readMailed(w http.ResponseWriter, r *http.Request) error {
	return s.reading(func(w http.ResponseWriter, r *http.Request, x reader) error {
		i, err := s.store.Issue(r.Context(), x.claim.Issue)
		if err != nil {
			return err
		}
		if i.Newsletter != x.newsletter.Name {
			return status(http.StatusNotFound)
		}
		if err := s.cameOut(r.Context(), &i); err != nil {
			return err
		}
		if !x.archive.private {
			http.Redirect(w, r, x.archive.issue(i.Number)+"?digest="+strconv.Itoa(x.claim.Digest), http.StatusFound)
			return nil
		}
		return s.showIssue(w, r, x.newsletter, i, x.claim.Digest, x.archive)
	})(w, r)
}

// readIssue shows another issue to whoever came by a link.
func (s *server) readIssue(w http.ResponseWriter, r *http.Request) error {
	return s.reading(func(w http.ResponseWriter, r *http.Request, x reader) error {
		i, err := s.issueNumbered(r, x.newsletter)
		if err != nil {
			return err
		}
		if !x.archive.private {
			http.Redirect(w, r, x.archive.issue(i.Number), http.StatusFound)
			return nil
		}
		return s.showIssue(w, r, x.newsletter, i, 0, x.archive)
	})(w, r)
}

// readList lists the issues to whoever came by a link.
func (s *server) readList(w http.ResponseWriter, r *http.Request) error {
	return s.reading(func(w http.ResponseWriter, r *http.Request, x reader) error {
		if !x.archive.private {
			http.Redirect(w, r, x.archive.list, http.StatusFound)
			return nil
		}
		n := x.newsletter
		p := s.ownPage(x.subscription, n)
		v := newsletterView{Name: n.Name, Title: n.Title, Description: n.Description, Lang: n.Language, Next: s.nextIssue(n, s.now())}
		v.Note = p.words.T("archive.list")
		if err := s.listIssues(r, n, x.archive, &v); err != nil {
			return err
		}
		p.View, p.Title = v, n.Title
		p.beside(x.archive.list, v.Page, v.Pages)
		return s.show(w, r, http.StatusOK, "newsletter.html", p)
	})(w, r)
}

// notForAll answers who comes to an issue without a link, where not everybody may
// read it. Whether there is such an issue makes no difference.
func (s *server) notForAll(w http.ResponseWriter, r *http.Request, n newsletter.Newsletter) error {
	if n.Archive == newsletter.ArchivePrivate {
		return s.showArchive(w, r, http.StatusForbidden, n, archiveView{State: "ask"})
	}
	return s.archiveNotice(w, r, s.newPage(n.Language), n, http.StatusNotFound, "archive.none")
}

// archiveNotice says why issues cannot be read; key names the words for it.
func (s *server) archiveNotice(w http.ResponseWriter, r *http.Request, p *page, n newsletter.Newsletter, code int, key string) error {
	w.Header().Set("Cache-Control", "no-store")
	p.Hidden = true
	p.Title = p.words.T(key)
	p.View = noticeView{
		Code: code, Heading: p.Title, Text: p.words.T(key+"_text", "newsletter", n.Title),
		About: &newsletterLink{Title: n.Title, URL: s.publicArchive(n.Name).list, Language: n.Language},
	}
	return s.show(w, r, code, "notice.html", p)
}
