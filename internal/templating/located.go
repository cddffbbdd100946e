package templating

import "regexp"

// templateError is an error of the template packages in fewer words.
type templateError struct {
	message string
	err     error
}

func (e *templateError) Error() string { return e.message }
func (e *templateError) Unwrap() error { return e.err }

// phrases are words of the template packages and what an operator reads instead.
var phrases = []struct {
	theirs *regexp.Regexp
	ours   string
}{
	{regexp.MustCompile(`^(html/)?template: ?|executing "[^"]*" at |<(?:` + alive + `|` + bounded + `)>: error calling \w+: |error calling \w+: `), ""},
	{regexp.MustCompile(`can't evaluate field (\w+) in type \S+`), "there is no field $1 here"},
	{regexp.MustCompile(`ends in a non-text context: .*`), "ends inside a tag; is there a quotation mark or a > missing?"},
}

// Located strips an error of the template packages down to "file:line:column: fault".
func Located(err error) error {
	message := err.Error()
	for _, p := range phrases {
		message = p.theirs.ReplaceAllString(message, p.ours)
	}
	return &templateError{message, err}
}
