package web_test

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestScreenshot writes the picture of the README to the folder that
// SYNDICATE_SCREENSHOTS names: the first issue of the sample site as its subscribers
// get it, light beside dark.
func TestScreenshot(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SYNDICATE_SCREENSHOTS")
	if dir == "" {
		t.Skip("SYNDICATE_SCREENSHOTS names no folder")
	}
	browser := chromium(t)
	s := newSample(t)
	issues, err := s.store.Issues(t.Context(), store.IssueQuery{Newsletter: "weekly"})
	s.check(err)
	digests, err := s.store.Digests(t.Context(), issues[0].ID)
	s.check(err)
	mail := filepath.Join(t.TempDir(), "digest.html")
	s.check(os.WriteFile(mail, bytes.ReplaceAll([]byte(digests[0].HTML), []byte(newsletter.PlaceholderAddress), []byte(newsletter.MaskAddress(her))), 0o600))
	const width, w, h = 640, 960, 1650 // of the page, and pixels of each half
	both := image.NewRGBA(image.Rect(0, 0, 2*w, h))
	for i, scheme := range []string{"light", "dark"} {
		tab, cancel := chromedp.NewContext(browser)
		s.check(chromedp.Do(tab, chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(float64(w)/width)), prefer(scheme), chromedp.Navigate("file://"+mail)))
		shot, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
		s.check(err)
		cancel()
		img, err := png.Decode(bytes.NewReader(shot))
		s.check(err)
		draw.Draw(both, image.Rect(i*w, 0, (i+1)*w, h), img, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	s.check((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, both))
	s.check(os.WriteFile(filepath.Join(dir, "digest.png"), out.Bytes(), 0o600))
}
