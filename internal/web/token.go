package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// errLink is a mailed link that does not work, for whatever reason.
var errLink = errors.New("the link does not work")

// owner is who a mailed link belongs to.
type owner struct {
	claim        newsletter.Claim
	subscription newsletter.Subscription
	letter       newsletter.Letter // of a change of address: what is to be done

	changed bool // of a change of address: it was carried out

	// Of a link to unsubscribe:
	moved bool // they have another address since
	gone  bool // there is nothing left to end, and no subscription
}

// owner verifies the token of a mailed link. All failures are errLink after the
// same work, so that nobody learns from the answer or its time which addresses
// there are: the claim is parsed, a subscription is looked for, its address is
// hashed, whatever the step before has found. Only a link to unsubscribe proves itself.
func (s *server) owner(ctx context.Context, token string, want newsletter.Purpose) (owner, error) {
	keys := s.store.Keyring()
	claim, malformed := keys.ParseToken(token, want)
	if !isName(claim.Newsletter) { // nobody signed it yet
		claim.Newsletter = ""
	}
	if claim.Owner != "" && claim.Newsletter != "" && keys.VerifyOwner(token) {
		return s.leaver(ctx, claim)
	}
	sub, err := s.store.Subscription(ctx, claim.Subscriber, claim.Newsletter)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return owner{}, err
	}
	signedFor, letter := sub.Subscriber.Email, newsletter.Letter{}
	if want == newsletter.PurposeChange {
		var lerr error
		if letter, lerr = s.store.Letter(ctx, claim.Letter); lerr != nil && !errors.Is(lerr, store.ErrNotFound) {
			return owner{}, lerr
		}
		signedFor = newsletter.ChangeKey(sub.Subscriber.Email, letter.Address)
	}
	genuine := keys.Verify(token, signedFor)
	if malformed == nil && err == nil && !genuine && want == newsletter.PurposeChange {
		return s.changed(ctx, token, owner{claim: claim, subscription: sub, letter: letter})
	}
	if malformed != nil || err != nil || !genuine {
		return owner{}, errLink
	}
	return owner{claim: claim, subscription: sub, letter: letter}, nil
}

// changed finds the owner of the link that changed their address to the one they have now. It
// was signed for the address of before, which the notice of the change went to; errLink: it is
// another, or that notice is long past.
func (s *server) changed(ctx context.Context, token string, o owner) (owner, error) {
	all, err := s.store.LettersOf(ctx, o.subscription.Subscriber.ID)
	if err != nil {
		return owner{}, err
	}
	for _, l := range all {
		if l.Kind == newsletter.LetterChanged && s.store.Keyring().Verify(token, newsletter.ChangeKey(l.Address, o.letter.Address)) {
			o.changed = o.letter.Address == o.subscription.Subscriber.Email
		}
	}
	if !o.changed {
		return owner{}, errLink
	}
	return o, nil
}

// uncut reports whether a token is as long as it was when it was mailed: what is cut off
// lacks the end of its newsletter's name, for that stands before the signature. Whether it
// is genuine nobody can tell any more without the address that it was signed for, and what
// it says of its owner is not looked at: the answer gives nothing away.
func (s *server) uncut(token string, want newsletter.Purpose) bool {
	claim, err := s.store.Keyring().ParseToken(token, want)
	if err == nil {
		_, err = s.o.Service.Newsletter(claim.Newsletter)
	}
	return err == nil
}

// leaver finds what a link to unsubscribe ends. One of ours works for ever: whoever has
// it can end mail and nothing else, and is told that there is none where nothing is
// known of its owner any more.
func (s *server) leaver(ctx context.Context, claim newsletter.Claim) (owner, error) {
	sub, moved, err := s.store.Leaver(ctx, claim)
	if errors.Is(err, store.ErrNotFound) {
		return owner{claim: claim, gone: true}, nil
	}
	return owner{claim: claim, subscription: sub, moved: moved}, err
}

// isName reports whether s can be a newsletter's name, so that nothing else from
// outside reaches the store.
func isName(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// mailed makes a handler of one for a mailed link: clients that try links out
// are slowed down, and a link that does not work gets one and the same page. A
// link that works always works: behind a proxy, all readers may be one client.
func (s *server) mailed(want newsletter.Purpose, handle func(http.ResponseWriter, *http.Request, owner) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Referrer-Policy", "no-referrer") // the address of the page is a secret
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		r.SetPathValue("token", tokenIn(r.PathValue("token")))
		if r.PathValue("token") == newsletter.PreviewToken {
			return s.linkNotice(w, r, http.StatusOK, "link.preview")
		}
		who, err := s.owner(r.Context(), r.PathValue("token"), want)
		if errors.Is(err, errLink) {
			client, now := s.client(r), s.now()
			if wait, over := s.wrong.over(client, now); over {
				h.Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
				return status(http.StatusTooManyRequests)
			}
			s.wrong.add(client, now)
			switch {
			case want == newsletter.PurposeAccess, want == newsletter.PurposeChange:
				return s.deadLink(w, r, "link.ended")
			case want == newsletter.PurposePreferences && s.uncut(r.PathValue("token"), want):
				return s.deadLink(w, r, "link.gone")
			}
			return s.deadLink(w, r, "link.invalid")
		}
		if err != nil {
			return err
		}
		return handle(w, r, who)
	}
}

// tokenIn returns the token that a part of a path begins with. Mail programs that find
// links in a text by themselves add what stands behind: a full stop, a bracket, a space
// that nobody sees.
func tokenIn(part string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // of base64url
	if end := strings.IndexFunc(part, func(c rune) bool { return !strings.ContainsRune(letters, c) }); end >= 0 {
		return part[:end]
	}
	return part
}

// deadLink answers for a link that is cut, forged, or of somebody who is gone; why names
// the words for it.
func (s *server) deadLink(w http.ResponseWriter, r *http.Request, why string) error {
	return s.linkNotice(w, r, http.StatusNotFound, why)
}

// linkNotice answers with words about a link, which does nothing.
func (s *server) linkNotice(w http.ResponseWriter, r *http.Request, code int, why string) error {
	p := s.newPage(preferred(w, r)...)
	p.Private = true
	p.Title = p.words.T(why)
	p.View = noticeView{Code: code, Heading: p.Title, Text: p.words.T(why + "_text")}
	return s.show(w, r, code, "notice.html", p)
}

// ownPage returns a page in the language of a subscription.
func (s *server) ownPage(sub newsletter.Subscription, n newsletter.Newsletter) *page {
	p := s.newPage(sub.Subscriber.Language, n.Language)
	p.Private = true
	return p
}

// newsletterOf returns the newsletter of a subscription; one that is no longer
// published goes by its name, for its readers may leave it all the same.
func (s *server) newsletterOf(name string) newsletter.Newsletter {
	n, err := s.o.Service.Newsletter(name)
	if err != nil {
		return newsletter.Newsletter{Name: name, Title: name, Language: s.site.Language}
	}
	return n
}

// form reads the fields of a posted form, url-encoded or multipart (RFC 8058
// 3.2 knows both); what is said to be anything else, or nothing, is read as url-encoded:
// programs that press a button for somebody do not always say. Only the body counts: a
// link can be given a query by anybody, and one that cannot be read keeps nobody here.
func form(r *http.Request) error {
	r.Form, r.PostForm = url.Values{}, url.Values{}
	err := readBody(r)
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		return status(http.StatusBadRequest)
	}
	return err
}

func readBody(r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		return r.ParseMultipartForm(maxBody)
	}
	body, err := io.ReadAll(r.Body) // the guard bounds it
	if err != nil {
		return err
	}
	r.PostForm, err = url.ParseQuery(string(body))
	return err
}
