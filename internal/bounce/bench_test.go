package bounce_test

import (
	"bytes"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"syndicate/internal/bounce"
)

// BenchmarkParse reads the messages of the archive, one after the other.
func BenchmarkParse(b *testing.B) {
	ar, err := txtar.ParseFile(archive)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := bounce.Parse(bytes.NewReader(ar.Files[2*(i%(len(ar.Files)/2))].Data), options); err != nil {
			b.Fatal(err)
		}
	}
}
