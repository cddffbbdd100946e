package publish

import (
	"context"
	"html"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"syndicate/internal/feeds"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// issue is an issue of a newsletter that was sent: an item of its feed.
type issue struct {
	id     int64
	number int
	at     time.Time // when it was sent
	title  string
}

// sentIssues returns the issues that were sent, newest first, by newsletter, and
// a fingerprint of them. Rehearsals are nobody's business.
func (b *Builder) sentIssues(ctx context.Context) (map[string][]issue, string, error) {
	all := map[string][]issue{}
	var marks []int64
	rehearsal := false
	for _, n := range b.o.Newsletters {
		list, err := b.o.Store.Issues(ctx, store.IssueQuery{Newsletter: n.Name, Rehearsal: &rehearsal})
		if err != nil {
			return nil, "", err
		}
		for _, i := range list {
			if i.State == newsletter.IssueSent {
				all[n.Name] = append(all[n.Name], issue{i.ID, i.Number, i.DoneAt, i.Subject})
				marks = append(marks, i.ID)
			}
		}
		marks = append(marks, 0)
	}
	print, err := printOf(marks)
	return all, print, err
}

// lettersFeed is the feed of a newsletter's issues. Their numbers stand for seqs.
func lettersFeed(s *spec, list []issue) *feed {
	stamps := make([]store.Stamp, len(list))
	for i, x := range list {
		stamps[i] = store.Stamp{Seq: int64(x.number), Changed: x.id}
	}
	return &feed{spec: s, list: stamps[:min(len(stamps), s.items)], members: membersOf(stamps), letters: list}
}

// letterItem makes an issue ready for the newsletter's feed: its articles as they
// were when it was composed, each with its summary.
func (b *Builder) letterItem(ctx context.Context, s *spec, feedID string, x issue) (feeds.Item, error) {
	frozen, articles, err := b.o.Store.FrozenIssue(ctx, x.id)
	if err != nil {
		return feeds.Item{}, err
	}
	number := strconv.Itoa(x.number)
	it := feeds.Item{
		URL: address(s.siteURL, s.want+"/issues/"+number),
		Article: newsletter.Article{
			ID:       uuid.NewSHA1(uuid.NameSpaceURL, []byte(feedID+"\x00"+number)).String(),
			Seq:      int64(x.number),
			Title:    x.title,
			Language: s.language, Published: x.at, Updated: x.at,
		},
	}
	var titles []string
	for i := range articles {
		titles = append(titles, articles[i].Title)
	}
	it.Summary = strings.Join(titles, " · ")
	if !s.full {
		return it, nil
	}
	var body strings.Builder
	if frozen.Intro != "" {
		intro, err := markup.Render(newsletter.Markdown, frozen.Intro, b.absolute, s.language)
		if err != nil {
			return it, err
		}
		body.WriteString(intro)
	}
	for i := range articles {
		a := &articles[i]
		body.WriteString("<h2><a href=\"" + html.EscapeString(a.URL(b.o.Site.URL)) + "\">" + html.EscapeString(a.Title) + "</a></h2>\n")
		if a.Summary != "" {
			body.WriteString("<p>" + html.EscapeString(a.Summary) + "</p>\n")
		}
	}
	it.HTML, err = markup.Render(newsletter.HTML, body.String(), b.absolute, s.language)
	return it, err
}

// absolute resolves a reference against the site.
func (b *Builder) absolute(ref string, _ markup.Kind) string {
	base, err := url.Parse(b.o.Site.URL + "/")
	if err != nil {
		return ""
	}
	u, err := base.Parse(ref)
	if err != nil {
		return ""
	}
	return u.String()
}
