package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// fingerprint tells whether an article changed, and recognises a moved one.
type fingerprint struct {
	content [16]byte // of everything the source gave, its place apart
	body    int64    // of the body; 0: empty
}

func fingerprintOf(a *newsletter.Article) (f fingerprint) {
	body := sha256.Sum256([]byte(a.Body))
	if strings.TrimSpace(a.Body) != "" {
		f.body = int64(binary.LittleEndian.Uint64(body[:8])) | 1 // never 0
	}
	h := hasher{Hash: sha256.New()}
	h.text(a.Slug, a.Permalink, a.Title, a.Summary, a.Language, a.Section, string(a.Format))
	h.time(a.Published, a.Updated)
	h.number(int64(btoi(a.Draft)), int64(len(a.Authors)), int64(len(a.Tags)), int64(len(a.Aliases)), int64(len(a.Enclosures)), int64(btoi(a.Image != nil)))
	for _, x := range a.Authors {
		h.text(x.Name, x.Email, x.URL)
	}
	h.text(a.Tags...)
	h.text(a.Aliases...)
	for _, x := range a.Enclosures {
		h.text(x.URL, x.Type)
		h.number(x.Size, int64(x.Duration))
	}
	if x := a.Image; x != nil {
		h.text(x.URL, x.Alt, x.Caption, x.Type)
		h.number(int64(x.Width), int64(x.Height), x.Size)
	}
	h.Write(body[:])
	// What came later is hashed where there is any, so that articles of before are
	// what they were.
	if x := a.Episode; x != nil {
		h.text("episode", x.Type, x.ChaptersURL, x.Transcript)
		explicit := int64(-1)
		if x.Explicit != nil {
			explicit = int64(btoi(*x.Explicit))
		}
		h.number(int64(x.Season), int64(x.Number), explicit, int64(len(x.Chapters)))
		for _, c := range x.Chapters {
			h.text(c.Title, c.URL)
			h.number(int64(c.Start))
		}
	}
	if a.License != "" || a.Copyright != "" {
		h.text("rights", a.License, a.Copyright)
	}
	if x := a.Origin; x != nil {
		h.text("origin", x.URL, x.Title, x.Feed, x.ID)
	}
	var sum [sha256.Size]byte
	copy(f.content[:], h.Sum(sum[:0]))
	return f
}

// hasher hashes values with their lengths, so that no two lists collide.
type hasher struct {
	hash.Hash
	buf []byte
}

func (h *hasher) text(values ...string) {
	for _, v := range values {
		h.buf = append(binary.LittleEndian.AppendUint32(h.buf[:0], uint32(len(v))), v...)
		h.Write(h.buf)
	}
}

func (h *hasher) number(values ...int64) {
	for _, v := range values {
		h.buf = binary.LittleEndian.AppendUint64(h.buf[:0], uint64(v))
		h.Write(h.buf)
	}
}

func (h *hasher) time(values ...time.Time) {
	for _, v := range values {
		h.number(ms(v))
	}
}

// articleMeta is the part of an article that is kept as JSON.
type articleMeta struct {
	Authors    []newsletter.Author    `json:"authors,omitempty"`
	Tags       []string               `json:"tags,omitempty"`
	Aliases    []string               `json:"aliases,omitempty"`
	Image      *newsletter.Image      `json:"image,omitempty"`
	Enclosures []newsletter.Enclosure `json:"enclosures,omitempty"`
	Episode    *newsletter.Episode    `json:"episode,omitempty"`
	License    string                 `json:"license,omitempty"`
	Copyright  string                 `json:"copyright,omitempty"`
	Origin     *newsletter.Origin     `json:"origin,omitempty"`
	Wish       string                 `json:"wish,omitempty"` // the slug the source asked for, if it was taken
}

func (a *incoming) encodeMeta() error {
	m := articleMeta{a.Authors, a.Tags, a.Aliases, a.Image, a.Enclosures, a.Episode, a.License, a.Copyright, a.Origin, a.Slug}
	if a.slug == a.Slug {
		m.Wish = ""
	}
	b, err := json.Marshal(m)
	a.meta = string(b)
	return err
}

// decodeMeta reads the row's JSON.
func (r *storedArticle) decodeMeta() (m articleMeta, err error) {
	err = json.Unmarshal([]byte(r.meta), &m)
	return m, err
}

// insertArticles adds new rows.
func (x *tx) insertArticles(source string, in []*incoming) error {
	const columns = 22
	rows := make([]any, 0, columns*len(in))
	bodies := make([]any, 0, 2*len(in))
	var labels []any
	for _, a := range in {
		if err := a.encodeMeta(); err != nil {
			return err
		}
		rows = append(rows, a.ref, a.id, source, a.Key, a.File, a.revision, a.seq, a.state, a.slug, a.Permalink, a.Title, a.Summary, a.Language, a.Section,
			a.meta, ms(a.publish), ms(a.update), string(a.Format), a.print.content[:], a.print.body, a.version, btoi(a.Backlog))
		bodies = append(bodies, a.ref, a.Body)
		labels = a.appendLabels(labels)
		if err := x.insertAliases(a.ref, a.Aliases); err != nil {
			return err
		}
	}
	_, err := x.insert(`INSERT INTO articles (ref, id, source, source_key, file, revision, seq, state, slug, permalink, title, summary, language, section,
		meta, published, updated, format, hash, body_hash, changed, backlog)`, "", columns, rows)
	if err != nil {
		return err
	}
	if _, err := x.insert("INSERT INTO article_bodies (ref, body)", "", 2, bodies); err != nil {
		return err
	}
	return x.insertLabels(labels)
}

// updateArticles rewrites changed or moved rows.
func (x *tx) updateArticles(in []*incoming) error {
	var labels []any
	for _, a := range in {
		if err := a.encodeMeta(); err != nil {
			return err
		}
		_, err := x.exec(`UPDATE articles SET source_key = $2, file = $3, revision = $4, seq = $5, state = $6, slug = $7, permalink = $8, title = $9, summary = $10,
			language = $11, section = $12, meta = $13, published = $14, updated = $15, format = $16, hash = $17, body_hash = $18, changed = CASE WHEN $19 > changed THEN $19 ELSE changed END WHERE ref = $1`,
			a.ref, a.Key, a.File, a.revision, a.seq, a.state, a.slug, a.Permalink, a.Title, a.Summary,
			a.Language, a.Section, a.meta, ms(a.publish), ms(a.update), string(a.Format), a.print.content[:], a.print.body, a.version)
		if err != nil {
			return err
		}
		if a.old.bodyHash != a.print.body || a.print.body == 0 {
			if _, err := x.exec("UPDATE article_bodies SET body = $2 WHERE ref = $1", a.ref, a.Body); err != nil {
				return err
			}
		}
		if err := x.deleteLabels(a.old); err != nil {
			return err
		}
		labels = a.appendLabels(labels)
		if err := x.updateAliases(a); err != nil {
			return err
		}
	}
	return x.insertLabels(labels)
}

// updateAliases replaces the aliases that the source gave, and keeps the
// addresses that readers may have from before.
func (x *tx) updateAliases(a *incoming) error {
	old, err := a.old.decodeMeta()
	if err != nil {
		return err
	}
	for _, p := range old.Aliases {
		if slices.Contains(a.Aliases, p) {
			continue
		}
		if _, err := x.exec("DELETE FROM aliases WHERE path = $1 AND ref = $2", p, a.ref); err != nil {
			return err
		}
	}
	aliases := slices.Clone(a.Aliases)
	if a.old.seq > 0 {
		if a.old.slug != a.slug {
			aliases = append(aliases, "/articles/"+a.old.slug)
		}
		if strings.HasPrefix(a.old.permalink, "/") && a.old.permalink != a.Permalink {
			aliases = append(aliases, a.old.permalink)
		}
	}
	return x.insertAliases(a.ref, aliases)
}

func (x *tx) insertAliases(ref int64, paths []string) error {
	for _, p := range paths {
		if _, err := x.exec("INSERT INTO aliases (path, ref) VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET ref = excluded.ref", p, ref); err != nil {
			return err
		}
	}
	return nil
}

const labelColumns = 4

// appendLabels adds the label rows of a public article.
func (a *incoming) appendLabels(rows []any) []any {
	if a.state != "public" {
		return rows
	}
	eachLabel(a.Authors, a.Tags, a.Section, func(kind, label, name string) {
		rows = append(rows, kind, label, a.ref, name)
	})
	return rows
}

func (x *tx) insertLabels(rows []any) error {
	_, err := x.insert("INSERT INTO article_labels (kind, label, ref, name)", "ON CONFLICT DO NOTHING", labelColumns, rows)
	return err
}

// deleteLabels removes the label rows of an article as it was. They are
// recomputed and deleted by key, which spares an index.
func (x *tx) deleteLabels(old *storedArticle) error {
	if old.state != "public" {
		return nil
	}
	m, err := old.decodeMeta()
	if err != nil {
		return err
	}
	eachLabel(m.Authors, m.Tags, old.section, func(kind, label, _ string) {
		if err == nil {
			_, err = x.exec("DELETE FROM article_labels WHERE kind = $1 AND label = $2 AND ref = $3", kind, label, old.ref)
		}
	})
	return err
}

// The kinds of labels, as stored.
const (
	labelTag     = "t"
	labelAuthor  = "a"
	labelSection = "s"
)

// eachLabel calls add for each label of an article; a section stands under each
// of its ancestors.
func eachLabel(authors []newsletter.Author, tags []string, section string, add func(kind, label, name string)) {
	for _, t := range tags {
		add(labelTag, fold(t), t)
	}
	for _, x := range authors {
		if x.Name != "" {
			add(labelAuthor, fold(x.Name), x.Name)
		}
	}
	for end := len(section); end > 0; end = strings.LastIndexByte(section[:end], '/') {
		add(labelSection, fold(section[:end]), section[:end])
	}
}

// fold is how labels are compared.
func fold(s string) string { return strings.ToLower(s) }

// relabelled returns those of the changed articles that selections may see with
// other eyes now.
func relabelled(changed []*incoming) ([]Relabelled, error) {
	var out []Relabelled
	for _, a := range changed {
		if a.old.seq == 0 || a.state != "public" {
			continue
		}
		m, err := a.old.decodeMeta()
		if err != nil {
			return nil, err
		}
		was := newsletter.Article{Seq: a.old.seq, Language: a.old.language, Section: a.old.section, Tags: m.Tags, Authors: m.Authors}
		if was.Language != a.Language || was.Section != a.Section || !slices.Equal(was.Tags, a.Tags) || !slices.Equal(was.Authors, a.Authors) {
			out = append(out, Relabelled{Was: was, Is: newsletter.Article{
				Seq: a.old.seq, File: a.File, Title: a.Title, Language: a.Language, Section: a.Section, Tags: a.Tags, Authors: a.Authors,
			}})
		}
	}
	return out, nil
}
