package newsletter

import (
	"path"
	"strings"
)

// MediaType returns the media type of a file, by its name or the path of its URL,
// that may be published beside articles; empty if it may not. The table is one for
// what sources publish, what feeds say of it and what is served: the one of the
// system differs between machines, and bytes must not.
func MediaType(name string) string {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".chapters.json") || path.Base(lower) == "chapters.json" {
		return "application/json+chapters" // of a podcast; other JSON may be anything
	}
	switch path.Ext(lower) {
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".svg":
		return "image/svg+xml"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a":
		return "audio/mp4"
	case ".aac":
		return "audio/aac"
	case ".ogg", ".oga", ".opus":
		return "audio/ogg"
	case ".flac":
		return "audio/flac"
	case ".wav":
		return "audio/wav"
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".ogv":
		return "video/ogg"
	case ".mov":
		return "video/quicktime"
	case ".vtt":
		return "text/vtt"
	case ".srt":
		return "application/x-subrip"
	case ".pdf":
		return "application/pdf"
	case ".epub":
		return "application/epub+zip"
	}
	return ""
}
