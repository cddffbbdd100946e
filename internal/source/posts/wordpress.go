package posts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source/remote"
)

// wordpress asks the REST API of WordPress 4.9 or later
// (https://developer.wordpress.org/rest-api/reference/posts/).
type wordpress struct{ Options }

// routeParameter names what is asked where addresses of the site are not rewritten.
const routeParameter = "rest_route"

// roots are where the API may be for the address of a site.
func roots(site string) []string {
	u, err := url.Parse(site)
	if err != nil {
		return []string{site}
	}
	isQuery := u.Query().Has(routeParameter)
	u.RawQuery, u.Fragment, u.RawPath = "", "", ""
	if isQuery && strings.HasSuffix(u.Path, ".php") { // a program takes no path behind its name everywhere
		u.RawQuery = routeParameter + "="
		return []string{u.String()}
	}
	before, _, isRoot := strings.Cut(u.Path, "/wp-json")
	u.Path = strings.TrimSuffix(before, "/")
	pretty := *u
	pretty.Path += "/wp-json"
	u.Path += "/"
	u.RawQuery = routeParameter + "="
	switch {
	case isQuery:
		return []string{u.String()}
	case isRoot:
		return []string{pretty.String()}
	}
	return []string{pretty.String(), u.String()}
}

// page implements api. Where the API is, is found out with the first page.
func (w *wordpress) page(ctx context.Context, m *memory, q query) (*page, error) {
	places := roots(m.Asked)
	if m.Root != "" {
		places = slices.Insert(places, 0, m.Root)
	}
	var err error
	for _, root := range places {
		var p *page
		if p, err = w.pageAt(ctx, root, q); err == nil {
			m.Root = root
			return p, nil
		}
		if code := status(err); code != http.StatusNotFound && !errors.Is(err, errNoJSON) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no API of WordPress is there: %w", err)
}

// wordpressFields are those of a post that are wanted; without _links nothing is embedded.
const wordpressFields = "id,type,date_gmt,modified_gmt,link,lang,title,content,excerpt,_links,_embedded"

func (w *wordpress) pageAt(ctx context.Context, root string, q query) (*page, error) {
	var list []wordpressPost
	p, head, err := w.get(ctx, fetch.Request{URL: wordpressAddress(root, q), Have: q.have, Header: http.Header{"Accept": {"application/json"}}}, &list)
	switch code := status(err); {
	case code == http.StatusBadRequest && q.number > 1:
		return nil, fmt.Errorf("%w: %w", errMoved, err) // the page went with posts that went; or it is refused
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, fmt.Errorf("its API is closed to readers: %w; a plugin may have done that", err)
	case err != nil || p.notModified:
		return p, err
	}
	if p.total, err = strconv.Atoi(head.Get("X-WP-Total")); err != nil {
		return nil, fmt.Errorf("%w: it does not say how many posts there are", errNoJSON)
	}
	pages, err := strconv.Atoi(head.Get("X-WP-TotalPages"))
	if err != nil { // some proxies let the other through only
		pages = (p.total + q.size - 1) / q.size
	}
	p.last = q.number >= pages || len(list) == 0
	for i := range list {
		if n, err := list[i].ID.Int64(); err != nil || n <= 0 {
			return nil, errNoID
		}
		p.posts = append(p.posts, list[i].post())
	}
	return p, nil
}

func wordpressAddress(root string, q query) string {
	u, err := url.Parse(root)
	if err != nil {
		return root
	}
	v := url.Values{"page": {strconv.Itoa(q.number)}, "per_page": {strconv.Itoa(q.size)}, "order": {"desc"}, "orderby": {"date"}}
	if u.RawQuery != "" {
		v.Set(routeParameter, "/wp/v2/posts")
	} else {
		u.Path += "/wp/v2/posts"
	}
	if q.byID {
		v.Set("orderby", "id")
	}
	if q.idOnly {
		v.Set("_fields", "id")
	} else {
		v.Set("_fields", wordpressFields)
		v.Set("_embed", "author,wp:term,wp:featuredmedia")
	}
	if !q.since.IsZero() {
		v.Set("orderby", "modified")
		v.Set("modified_after", q.since.Add(-time.Second).Format(time.RFC3339)) // after, not at
	}
	if q.ids != nil {
		v.Set("include", strings.Join(q.ids, ","))
	}
	u.RawQuery = v.Encode()
	return u.String()
}

// wordpressPost is a post as the API has it. What is embedded may be an error instead.
type wordpressPost struct {
	ID          json.Number `json:"id"` // in quotes, with some plugins
	DateGMT     string      `json:"date_gmt"`
	ModifiedGMT string      `json:"modified_gmt"`
	Link        string      `json:"link"`
	Lang        any         `json:"lang"` // of plugins; text, with most of them
	Title       rendered    `json:"title"`
	Content     rendered    `json:"content"`
	Excerpt     rendered    `json:"excerpt"`
	Embedded    struct {
		Author []json.RawMessage   `json:"author"`
		Terms  [][]json.RawMessage `json:"wp:term"`
		Media  []json.RawMessage   `json:"wp:featuredmedia"`
	} `json:"_embedded"`
}

type rendered struct {
	Rendered  string `json:"rendered"`
	Protected bool   `json:"protected"`
}

func (w *wordpressPost) post() post {
	p := post{changed: wordpressTime(w.ModifiedGMT), hidden: w.Content.Protected}
	p.item.ID = w.ID.String()
	a := &p.item.Article
	base, err := url.Parse(w.Link)
	if err != nil {
		base = &url.URL{}
	}
	a.Permalink = remote.Resolve(base, w.Link)
	a.Title = remote.Title(w.Title.Rendered)
	a.Format, a.Body = remote.Body(w.Content.Rendered, base)
	a.Summary = wordpressExcerpt(w.Excerpt.Rendered)
	a.Published, a.Updated = wordpressTime(w.DateGMT), p.changed
	if lang, ok := w.Lang.(string); ok {
		a.Language = strings.ReplaceAll(lang, "_", "-")
	}
	for _, raw := range w.Embedded.Author {
		var who struct {
			Name string `json:"name"`
			Link string `json:"link"`
		}
		if json.Unmarshal(raw, &who) == nil && who.Name != "" {
			a.Authors = append(a.Authors, newsletter.Author{Name: remote.Plain(who.Name), URL: remote.Resolve(base, who.Link)})
		}
	}
	a.Tags = w.tags()
	for _, raw := range w.Embedded.Media {
		if a.Image == nil {
			a.Image = wordpressImage(raw, base)
		}
	}
	return p
}

// tags are the post's categories and tags, but for the category of posts without one.
func (w *wordpressPost) tags() []string {
	var names []string
	for _, terms := range w.Embedded.Terms {
		for _, raw := range terms {
			var term struct {
				Name     string `json:"name"`
				Slug     string `json:"slug"`
				Taxonomy string `json:"taxonomy"`
			}
			if json.Unmarshal(raw, &term) != nil || term.Taxonomy != "category" && term.Taxonomy != "post_tag" || term.Slug == "uncategorized" {
				continue
			}
			names = append(names, term.Name)
		}
	}
	return remote.Labels(names)
}

func wordpressImage(raw json.RawMessage, base *url.URL) *newsletter.Image {
	var media struct {
		SourceURL string          `json:"source_url"`
		Alt       string          `json:"alt_text"`
		Type      string          `json:"mime_type"`
		MediaType string          `json:"media_type"`
		Details   json.RawMessage `json:"media_details"` // PHP writes an empty table as a list
	}
	if json.Unmarshal(raw, &media) != nil || media.MediaType != "" && media.MediaType != "image" {
		return nil
	}
	img := &newsletter.Image{URL: remote.Resolve(base, media.SourceURL), Alt: remote.Plain(media.Alt)}
	if img.URL == "" || len(img.URL) > 1000 {
		return nil
	}
	if strings.HasPrefix(media.Type, "image/") {
		img.Type = markup.CleanLine(media.Type)
	}
	var details struct {
		Width    int   `json:"width"`
		Height   int   `json:"height"`
		FileSize int64 `json:"filesize"`
	}
	if json.Unmarshal(media.Details, &details) == nil && details.Width > 0 && details.Height > 0 {
		img.Width, img.Height, img.Size = details.Width, details.Height, max(details.FileSize, 0)
	}
	return img
}

// wordpressExcerpt is the summary that an author wrote. What WordPress makes of the
// first words ends with an ellipsis in brackets, and is no better than ours.
func wordpressExcerpt(text string) string {
	text = strings.TrimSpace(markup.Text(text))
	if strings.HasSuffix(text, "[…]") || strings.HasSuffix(text, "[...]") {
		return ""
	}
	return markup.Excerpt(newsletter.PlainText, text, summaryLength)
}

// summaryLength is how many characters a summary has.
const summaryLength = 280

// wordpressTime reads a date, which is in UTC; zero: it is none.
func wordpressTime(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(s, "Z"))
	if err != nil {
		return time.Time{}
	}
	return t
}
