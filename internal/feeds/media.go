package feeds

import (
	"encoding/xml"
	"time"

	"syndicate/internal/newsletter"
)

type (
	// mediaContent is media:content (Media RSS 1.5.1).
	mediaContent struct {
		XMLName  xml.Name `xml:"media:content"`
		URL      string   `xml:"url,attr"`
		Size     int64    `xml:"fileSize,attr,omitempty"`
		Type     string   `xml:"type,attr,omitempty"`
		Medium   string   `xml:"medium,attr,omitempty"`
		Duration int64    `xml:"duration,attr,omitempty"` // seconds
		Width    int      `xml:"width,attr,omitempty"`
		Height   int      `xml:"height,attr,omitempty"`
		Alt      *text    `xml:"media:description"`
	}
	// mediaThumbnail is media:thumbnail: what readers show in lists.
	mediaThumbnail struct {
		XMLName xml.Name `xml:"media:thumbnail"`
		URL     string   `xml:"url,attr"`
		Width   int      `xml:"width,attr,omitempty"`
		Height  int      `xml:"height,attr,omitempty"`
	}
)

// newPicture is an article's picture, in its own words and for lists.
func newPicture(img *newsletter.Image) ([]mediaContent, *mediaThumbnail) {
	if img == nil {
		return nil, nil
	}
	m := mediaContent{URL: img.URL, Size: img.Size, Type: img.Type, Medium: "image", Width: img.Width, Height: img.Height, Alt: mediaDescription(img.Alt)}
	return []mediaContent{m}, &mediaThumbnail{URL: img.URL, Width: img.Width, Height: img.Height}
}

func newMedia(e *newsletter.Enclosure) mediaContent {
	return mediaContent{URL: e.URL, Size: e.Size, Type: e.Type, Medium: medium(e.Type), Duration: int64(e.Duration / time.Second)}
}

func medium(mediaType string) string {
	for _, m := range []string{"image", "audio", "video"} {
		if isType(mediaType, m) {
			return m
		}
	}
	return "document"
}
