package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// image reads the article's picture from the many places where themes keep it.
func (b *builder) image() *newsletter.Image {
	for _, name := range []string{
		"image", "cover", "featuredimage", "featureimage", "featured", "coverimage", "images", "thumbnail", "banner", "ogimage",
	} {
		v := b.fields.find(name)
		if v == nil || v.kind == isList && len(v.list) == 0 {
			continue
		}
		if v.kind == isList {
			v = &v.list[0]
		}
		if v.kind == isTable {
			if hidden, _ := truth(v.scalar("hidden")); hidden {
				return nil
			}
		}
		if img := b.oneImage(name, v); img != nil {
			return img
		}
	}
	return nil
}

func (b *builder) oneImage(name string, v *value) *newsletter.Image {
	img := &newsletter.Image{URL: v.text}
	if v.kind == isTable {
		img.URL = v.scalar("image", "url", "src", "path", "href", "file", "feature", "filename")
		img.Alt = markup.CleanLine(v.scalar("alt", "alttext"))
		img.Caption = markup.CleanLine(v.scalar("caption"))
		img.Width, img.Height = pixels(v.scalar("width")), pixels(v.scalar("height"))
	}
	if _, isTruth := truth(img.URL); isTruth { // featured: true
		return nil
	}
	ref, ok := mediaReference(img.URL)
	if !ok {
		b.warn(v, fmt.Sprintf("%s: %q is no reference to a picture", name, img.URL), "")
		return nil
	}
	img.URL = ref
	if img.Alt == "" {
		img.Alt = markup.CleanLine(b.fields.scalar(name+"alt", "imagealt", "coveralt"))
	}
	if img.Caption == "" {
		img.Caption = markup.CleanLine(b.fields.scalar(name+"caption", "imagecaption", "covercaption"))
	}
	img.Type = newsletter.MediaType(refPath(ref))
	if p, f, ok := b.beside(v, name, ref); ok {
		img.Size = f.size
		if w, h := b.dimensions(p); w > 0 {
			img.Width, img.Height = w, h
		}
	}
	return img
}

func pixels(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
}

// mediaReference checks a reference to a file: absolute on the web, a path of the
// site, or relative to the article.
func mediaReference(s string) (string, bool) {
	s = strings.ReplaceAll(markup.CleanLine(s), `\`, "/")
	u, err := url.Parse(s)
	if err != nil || s == "" || u.Opaque != "" || u.Scheme != "" && (!isWeb(u) || u.Host == "") {
		return "", false
	}
	return s, true
}

func refPath(ref string) string {
	if u, err := url.Parse(ref); err == nil {
		return u.Path
	}
	return ref
}

// beside finds the local file that a relative reference means. The article depends
// on it from now on, even if it is not there yet.
func (b *builder) beside(v *value, name, ref string) (string, meta, bool) {
	u, err := url.Parse(ref)
	if b.local == nil || err != nil || u.Host != "" || u.Path == "" || u.Path[0] == '/' {
		return "", meta{}, false
	}
	p := path.Join(path.Dir(b.article.File), u.Path)
	if p == ".." || strings.HasPrefix(p, "../") {
		b.warn(v, fmt.Sprintf("%s: %s lies outside of the folder of articles", name, ref), "put the file beside the article")
		return "", meta{}, false
	}
	b.deps = append(b.deps, p)
	f, ok := b.local.tree.assets[p]
	if !ok {
		b.warn(v, fmt.Sprintf("%s: there is no file %s", name, b.dir.display(p)), "put the file beside the article, or correct its name")
	}
	return p, f, ok
}

// dimensions reads the header of a local picture; zero if it is none that is known.
func (b *builder) dimensions(p string) (width, height int) {
	f, err := b.local.open(p)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	head := make([]byte, 32)
	n, err := io.ReadFull(f, head)
	if err != nil && n < len(head) {
		return 0, 0
	}
	return imageSize(head, io.MultiReader(bytes.NewReader(head), io.LimitReader(f, 1<<20)))
}

// imageSize returns width and height in pixels of a picture that begins with head
// and is r; zero if it is none that is known.
func imageSize(head []byte, r io.Reader) (width, height int) {
	var c image.Config
	var err error
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		c, err = png.DecodeConfig(r)
	case bytes.HasPrefix(head, []byte("\xFF\xD8\xFF")):
		c, err = jpeg.DecodeConfig(r)
	case bytes.HasPrefix(head, []byte("GIF8")):
		c, err = gif.DecodeConfig(r)
	case len(head) >= 30 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return webpSize(head)
	}
	if err != nil {
		return 0, 0
	}
	return c.Width, c.Height
}

// webpSize reads the header of a WebP file (RFC 9649, 2.5 to 2.7), of 30 bytes at
// least.
func webpSize(h []byte) (width, height int) {
	le := binary.LittleEndian
	switch string(h[12:16]) {
	case "VP8 ":
		return int(le.Uint16(h[26:]) & 0x3FFF), int(le.Uint16(h[28:]) & 0x3FFF)
	case "VP8L":
		bits := le.Uint32(h[21:])
		return int(bits&0x3FFF) + 1, int(bits>>14&0x3FFF) + 1
	case "VP8X":
		return int(le.Uint32(h[24:])&0xFFFFFF) + 1, int(le.Uint32(append([]byte{0}, h[27:30]...))>>8) + 1
	}
	return 0, 0
}
