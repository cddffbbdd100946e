package web

import (
	"context"
	"html/template"
	"net/http"
	"net/mail"
	"time"

	"syndicate/internal/feeds"
)

// tryViews renders every page of every language once with made-up data, because
// html/template finds a wrong field or a tag without its end only then.
func (s *server) tryViews(ctx context.Context) error {
	when := time.Date(2026, 11, 23, 7, 0, 0, 0, s.site.Location)
	c := card{
		Title: "Title", Summary: "Summary.", URL: "/articles/title", Section: "Section", Authors: []string{"One", "Two"}, Published: when,
		ImageURL: "/files/image.png", ImageAlt: "Alternative", ImageWidth: 1200, ImageHeight: 800, Language: "de", LanguageName: "Deutsch",
	}
	links := []feedLink{{"RSS", feeds.TypeRSS, "/feed.rss", "Title"}}
	form := &signUpForm{"Weekly", "de", "/newsletters/weekly/subscribe", "a@example.org", "Problem", "stamp", "/newsletters/weekly", "en", []choice{{"en", "English", "en", true}, {}}, []choice{{Value: "sea", Label: "sea", Chosen: true}, {}}, "Counts."}
	trials := map[string][]any{
		"subscribe.html": {subscribeView{}, subscribeView{"form", "Weekly", "de", "/newsletters/weekly", form, "", "", nil}, subscribeView{"sent", "Weekly", "de", "/newsletters/weekly", nil, "a@example.org", "b@example.org", form}, subscribeView{State: "closed"}},
		"embed.html":     {embedView{}, embedView{"Weekly", "de", "/newsletters/weekly", "<form>", 3}},
		"home.html":      {homeView{Page: 1, Pages: 1}, homeView{Lead: &c, Articles: []card{c, {}}, Total: 41, Page: 2, Pages: 3, Form: form}},
		"list.html":      {listView{Page: 1, Pages: 1}, listView{"Heading", []card{c, {}}, 41, 2, 3, links}},
		"feed.html":      {feedView{}, feedView{"Title", "Description", "de", "https://example.org/feed.rss", "RSS", "/feed.rss?format=rss", "/", 0, links, []card{c, {}}}, feedView{Archive: 3}},
		"feeds.html":     {feedListView{}, feedListView{[]feedGroup{{"Tags", []feedRow{{"Sea", "Description", "de", "/tags/sea/", links}, {}}}}, "/opml.xml"}},
		"article.html": {articleView{}, articleView{
			card: c, Lang: "de", HTML: template.HTML("<p>Body</p>"), Updated: when, Minutes: 3, Caption: "Caption", ShowImage: true, ShowSummary: true, Tags: []string{"tag"}, TagLinks: []tagLink{{"tag", "/tags/tag/"}, {Name: "other"}},
			Media: []media{{"/files/a.mp3", "audio/mpeg", "a.mp3", "audio", 12345}, {"/files/a.mp4", "video/mp4", "a.mp4", "video", 0}, {"/files/a.pdf", "application/pdf", "a.pdf", "other", 1}, {Kind: "other"}},
			Older: &c, Newer: &c,
		}},
		"newsletter.html": {newsletterView{}, newsletterView{
			Name: "weekly", Title: "Weekly", Description: "Description", Lang: "en", Sender: mail.Address{Name: "Sender", Address: "a@example.org"},
			Next: when, Issues: []issueLink{{1, "Subject", when, "/newsletters/weekly/issues/1"}}, Page: 2, Pages: 3, Note: "Note", AskURL: "/newsletters/weekly/archive", Rehearsal: true, Form: form, EmbedURL: "/newsletters/weekly/embed",
		}},
		"notice.html":  {noticeView{}, noticeView{http.StatusNotFound, "Heading", "Text", &c, []card{c}, &newsletterLink{Title: "Weekly", URL: "/newsletters/weekly", Language: "de"}}},
		"archive.html": {archiveView{}, archiveView{"sent", "Weekly", "de", "/newsletters/weekly", "/newsletters/weekly/archive", "stamp", "a@example.org", "Problem."}},
		"change.html":  {changeView{State: "ask"}, changeView{State: "done", New: "a@example.org", PreferencesURL: "/"}, changeView{State: "already", New: "a@example.org"}, changeView{State: "expired"}, changeView{State: "refused"}},
		"access.html": {
			accessView{State: "expired"},
			accessView{State: "again"},
			accessView{State: "erase"},
			accessView{State: "erased"},
			accessView{State: "open"},
			accessView{
				State: "open", Address: "a@example.org", Action: "/access/x", PreferencesURL: "/", Typed: "b", Problem: "Problem.", Asked: "b@example.org",
				Feeds: []ownFeed{{"weekly", "Weekly", "en", true, true, links, true}, {HasFeed: true}, {}},
			},
		},
		"preferences.html": {preferencesView{}, preferencesView{"m…@example.org", "/preferences/x", []subscriptionView{
			{
				Name: "weekly", Title: "Weekly", Description: "Description", URL: "/newsletters/weekly", Lang: "en", Subscribed: true, Current: true, Said: "saved", Clock: "Clock.", ArchiveURL: "/read/x/issues", Paused: when, Counts: "Counts.",
				Settings: &settingsView{
					Topics: []choice{{"sea", "Sea", "", true}}, Cadences: []choice{{"monthly", "Monthly", "", true}}, Languages: []choice{{"fr", "Français", "fr", false}}, Items: []choice{{}}, Hours: []choice{{}},
					Zone: "Europe/Paris", Zones: []string{"UTC"}, DefaultZone: "UTC", Clock: "Clock.", Pause: "2026-11-30", Open: true, Problem: "Problem.", Before: []field{{"items", "0"}},
				},
			}, {Changed: true}, {CanReturn: true}, {SubscribeURL: "/newsletters/weekly/subscribe"}, {Settings: &settingsView{}},
		}, true, []newsletterLink{{}, {Title: "Daily", Description: "Description", URL: "/newsletters/daily", SubscribeURL: "/newsletters/daily/subscribe", Language: "fr"}}, true, "Stopped.", "/newsletters/weekly/subscribe"}},
	}
	for _, state := range []string{"ask", "done", "already", "undone", "heard", "why", "long", "ended", "stopped", "gone"} {
		trials["unsubscribe.html"] = append(trials["unsubscribe.html"], unsubscribeView{State: state},
			unsubscribeView{state, "m…@example.org", "Weekly", "/newsletters/weekly", "/newsletters/weekly/subscribe", "Stopped.", "/unsubscribe/x", []choice{{Value: "often", Label: "Too often"}}, true})
	}
	for _, state := range []string{"ask", "done", "already", "expired", "sent", "left", "refused"} {
		trials["confirm.html"] = append(trials["confirm.html"],
			confirmView{state, "m…@example.org", "Weekly", "de", "/newsletters/weekly", "/newsletters/weekly/subscribe", "/confirm/x", "/preferences/x", when}, confirmView{State: state})
	}
	for language := range s.views.pages {
		for name, data := range trials {
			for _, v := range data {
				p := s.newPage(language)
				p.View = v
				p.Title, p.Canonical, p.Newer, p.Older = "Title", s.site.URL+"/", "/?page=1", "/?page=3"
				p.Own = links
				p.Meta = []meta{{"og:title", "Title"}, {"twitter:card", "summary"}}
				p.Newsletters = append(p.Newsletters, newsletterLink{Title: "Weekly", Description: "Description", URL: "/", SubscribeURL: "/#subscribe", Language: "de", LanguageName: "Deutsch", Next: when})
				if _, err := s.views.render(ctx, name, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
