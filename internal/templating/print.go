package templating

import (
	"errors"
	"fmt"
	"maps"
)

const maxText = 2_000_000 // bytes

var errText = errors.New("a text grows beyond 2 MB; is it put together in a loop?")

// Printing adds print, printf and println to the functions of a template: they do
// as the built-in ones, but a text that doubles in a loop fails before it has
// taken the machine's memory, which no limit of time would see.
func Printing(functions map[string]any) map[string]any {
	bounded := func(s string) (string, error) {
		if len(s) > maxText {
			return "", errText
		}
		return s, nil
	}
	maps.Copy(functions, map[string]any{
		"print":   func(args ...any) (string, error) { return bounded(fmt.Sprint(args...)) },
		"println": func(args ...any) (string, error) { return bounded(fmt.Sprintln(args...)) },
		"printf": func(format string, args ...any) (string, error) {
			return bounded(fmt.Sprintf(format, args...))
		},
	})
	return functions
}
