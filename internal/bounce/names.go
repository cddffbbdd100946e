package bounce

import (
	"regexp"
	"slices"
	"strings"
)

// maxNames bounds the addresses that are looked for in a message.
const maxNames = 200

// atext is an address with all that RFC 5322 3.2.3 allows before the @, which in a
// report would often be punctuation around it.
var atext = regexp.MustCompile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[\\pL\\pN](?:[\\pL\\pN_-]*[\\pL\\pN])?\\.)+[\\pL\\pN](?:[\\pL\\pN-]*[\\pL\\pN])?")

// Addresses returns the addresses that stand in a message, decoded or as it came: who
// is named in it. all: there are not more of them. It looks at what fits into a part
// that is read (see Parse); a message of at most 64 KB is looked at wholly.
func Addresses(message []byte) (list []string, all bool) {
	l := open(message)
	texts := append(append([]string{decodeText(message, "")}, l.text...), l.html...)
	for _, fs := range slices.Concat([]fields{l.header, l.returned}, l.status, l.feedback, l.receipt) {
		for _, f := range fs {
			texts = append(texts, f.value, fs.text(f.name))
		}
	}
	seen := map[string]bool{}
	for _, text := range texts {
		for _, pattern := range []*regexp.Regexp{addressPattern, atext} {
			for _, a := range pattern.FindAllString(text, -1) {
				for _, a := range []string{a, bareAddress(a), strings.Trim(a, "'")} {
					if key := strings.ToLower(a); proper(a) && !seen[key] {
						seen[key] = true
						list = append(list, a)
					}
				}
				if len(list) > maxNames {
					return list[:maxNames], false
				}
			}
		}
	}
	return list, true
}
