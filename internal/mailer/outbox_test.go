package mailer_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"syndicate/internal/mailer"
)

// TestDropCaught: what was caught for one address goes, and nothing else: file names do
// not tell all addresses apart.
func TestDropCaught(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const at = "20261126T070000.000000Z-00000"
	for name, content := range map[string]string{
		at + "1-ann_b@example.org.eml":           "To: <ann_b@example.org>\r\n\r\n",
		at + "2-Ann_B@example.org.eml":           "To: Ann <Ann_B@example.org>\r\nSubject: x\r\n\r\nhello",
		at + "3-ann_b@example.org.eml":           "To: <ann/b@example.org>\r\n\r\n", // somebody else
		at + "4-joann_b@example.org.eml":         "To: <joann_b@example.org>\r\n\r\n",
		at + "5-x-ann_b@example.org.eml":         "To: <x-ann_b@example.org>\r\n\r\n",
		at + "6-ann_b@example.org.eml":           "broken",
		"notes-ann_b@example.org.eml":            "To: <ann_b@example.org>\r\n\r\n", // not the catcher's
		at + "7-ann_b@example.org.eml.old":       "To: <ann_b@example.org>\r\n\r\n",
		at + "8-bob@example.org.eml":             "To: <bob@example.org>\r\nCc: ann_b@example.org\r\n\r\n",
		".incoming-1-ann_b@example.org.eml-part": "To: <ann_b@example.org>\r\n\r\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := mailer.DropCaught(dir, "ann_b@example.org")
	if err != nil || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, at+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, file := range left {
		numbers = append(numbers, filepath.Base(file)[len(at):len(at)+1])
	}
	if !slices.Equal(numbers, []string{"3", "4", "5", "7", "8"}) {
		t.Errorf("left: %s", numbers)
	}
	if n, err := mailer.DropCaught(filepath.Join(dir, "none"), "ann_b@example.org"); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}
