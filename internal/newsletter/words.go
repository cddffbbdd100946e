package newsletter

// Plural returns a noun in the number of n things, for what operators read. (What
// subscribers read is in their language; see the package i18n.)
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
