package markup

// RenderParsed is Render of Markdown the long way: its HTML is parsed and put in order,
// however simple it is.
func RenderParsed(body string, resolve func(ref string, kind Kind) string, language string) (string, error) {
	h, err := readMarkdown(body, wantsTypographer(language, body)).html()
	if err != nil {
		return "", err
	}
	out, err := inOrder(h, body, resolve)
	if err != nil {
		return "", err
	}
	return sanitised(out)
}

// IsSimple reports whether Render takes the short way.
func IsSimple(body string, resolve func(ref string, kind Kind) string, language string) bool {
	return readMarkdown(body, wantsTypographer(language, body)).settled(body, resolve)
}
