package publish

// For tests of the parts.
var (
	Slug       = slug
	WellFormed = wellFormed
)
