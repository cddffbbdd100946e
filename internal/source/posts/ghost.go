package posts

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source/remote"
)

// ghost asks the Content API of Ghost 5 or later (https://ghost.org/docs/content-api/).
type ghost struct{ Options }

// ghostVersion is the version of the API that is asked for; later ones answer as it does.
const ghostVersion = "v5.0"

// page implements api.
func (g *ghost) page(ctx context.Context, _ *memory, q query) (*page, error) {
	var answer struct {
		Posts []ghostPost `json:"posts"`
		Meta  struct {
			Pagination *struct {
				Pages int `json:"pages"`
				Total int `json:"total"`
			} `json:"pagination"`
		} `json:"meta"`
	}
	p, _, err := g.get(ctx, fetch.Request{URL: g.address(q), Have: q.have, Header: http.Header{
		"Accept": {"application/json"}, "Accept-Version": {ghostVersion},
	}}, &answer)
	switch code := status(err); {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, fmt.Errorf("it does not know the key: %w; Settings, Integrations shows it as Content API key", err)
	case code == http.StatusNotFound:
		return nil, fmt.Errorf("no API of Ghost is there: %w", err)
	case err != nil || p.notModified:
		return p, err
	}
	if answer.Posts == nil {
		return nil, fmt.Errorf("%w: it has no list of posts", errNoJSON)
	}
	if answer.Meta.Pagination == nil {
		return nil, fmt.Errorf("%w: it does not say how many posts there are", errNoJSON)
	}
	p.total = answer.Meta.Pagination.Total
	p.last = q.number >= answer.Meta.Pagination.Pages || len(answer.Posts) == 0
	for i := range answer.Posts {
		if answer.Posts[i].ID == "" {
			return nil, errNoID
		}
		p.posts = append(p.posts, answer.Posts[i].post())
	}
	return p, nil
}

func (g *ghost) address(q query) string {
	v := url.Values{"key": {g.Key}, "page": {strconv.Itoa(q.number)}, "limit": {strconv.Itoa(q.size)}, "order": {"published_at desc, id desc"}}
	if q.idOnly {
		v.Set("fields", "id")
	} else {
		v.Set("include", "authors,tags")
		v.Set("formats", "html")
	}
	if !q.since.IsZero() {
		v.Set("order", "updated_at desc, id desc")
		v.Set("filter", "updated_at:>='"+q.since.UTC().Format(time.DateTime)+"'")
	}
	if q.ids != nil {
		quoted := make([]string, len(q.ids))
		for i, id := range q.ids {
			quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(id) + "'"
		}
		v.Set("filter", "id:["+strings.Join(quoted, ",")+"]")
	}
	return strings.TrimSuffix(g.URL, "/") + "/ghost/api/content/posts/?" + v.Encode()
}

// ghostPost is a post as the API has it.
type ghostPost struct {
	ID            string `json:"id"`
	Title         string `json:"title"`
	HTML          string `json:"html"`
	URL           string `json:"url"`
	Visibility    string `json:"visibility"`
	PublishedAt   string `json:"published_at"`
	UpdatedAt     string `json:"updated_at"`
	Excerpt       string `json:"excerpt"`
	CustomExcerpt string `json:"custom_excerpt"`
	Image         string `json:"feature_image"`
	ImageAlt      string `json:"feature_image_alt"`
	ImageCaption  string `json:"feature_image_caption"`
	Authors       []struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"authors"`
	Tags []struct {
		Name       string `json:"name"`
		Visibility string `json:"visibility"`
	} `json:"tags"`
}

func (g *ghostPost) post() post {
	p := post{changed: ghostTime(g.UpdatedAt)}
	p.item.ID = g.ID
	a := &p.item.Article
	base, err := url.Parse(g.URL)
	if err != nil {
		base = &url.URL{}
	}
	a.Permalink = remote.Resolve(base, g.URL)
	a.Title = markup.CleanLine(g.Title) // plain text, whatever it looks like
	a.Published, a.Updated = ghostTime(g.PublishedAt), p.changed
	a.Summary = markup.CleanLine(g.CustomExcerpt)
	if g.Visibility == "public" || g.Visibility == "" {
		a.Format, a.Body = remote.Body(g.HTML, base)
	} else { // the text is for members
		a.Format, a.Body = newsletter.PlainText, markup.Clean(g.Excerpt)
	}
	for _, who := range g.Authors {
		if name := markup.CleanLine(who.Name); name != "" {
			a.Authors = append(a.Authors, newsletter.Author{Name: name, URL: remote.Resolve(base, who.URL)})
		}
	}
	var names []string
	for _, t := range g.Tags {
		if t.Visibility != "internal" && !strings.HasPrefix(t.Name, "#") {
			names = append(names, t.Name)
		}
	}
	a.Tags = remote.Labels(names)
	if address := remote.Resolve(base, g.Image); address != "" && len(address) <= 1000 {
		a.Image = &newsletter.Image{URL: address, Alt: markup.CleanLine(g.ImageAlt), Caption: remote.Plain(g.ImageCaption)}
	}
	return p
}

// ghostTime reads a date; zero: it is none.
func ghostTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
