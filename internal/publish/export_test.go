package publish

// For tests of the parts.
var (
	Slug       = slug
	WellFormed = wellFormed
)

// SetSitemapPages sets how many pages one file of a sitemap lists.
func (b *Builder) SetSitemapPages(n int) { b.most = n }

// SetPagesAtOnce sets how many pages each build lists anew.
func (b *Builder) SetPagesAtOnce(n int) { b.atOnce = n }
