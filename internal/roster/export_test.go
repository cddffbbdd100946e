package roster

// NewDoublesOf is NewDoubles with runs of another length.
func NewDoublesOf(length int) *Doubles {
	d := NewDoubles()
	d.length = length
	return d
}
