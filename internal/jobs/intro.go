package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// maxIntro bounds an introduction, in bytes.
const maxIntro = 64 << 10

// intro returns the Markdown that the next issue begins with, and the hash of
// the last introduction used, this one's if there is one. The file is used once:
// while its words are those that an issue carried already, issues go without.
func (s *Service) intro(ctx context.Context, n newsletter.Newsletter) (text, used string, err error) {
	used, err = s.introUsed(ctx, n.Name)
	if err != nil || n.Intro == "" || s.o.SiteFS == nil {
		return "", used, err
	}
	f, err := s.o.SiteFS.Open(path.Clean(n.Intro))
	if errors.Is(err, fs.ErrNotExist) {
		return "", used, nil
	}
	if err != nil {
		return "", used, fmt.Errorf("the introduction: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxIntro+1))
	switch {
	case err != nil:
		return "", used, fmt.Errorf("the introduction: %w", err)
	case len(data) > maxIntro:
		return "", used, fmt.Errorf("%s: an introduction has at most %d KB", n.Intro, maxIntro>>10)
	case !utf8.Valid(data):
		return "", used, fmt.Errorf("%s: not UTF-8; save it as UTF-8", n.Intro)
	}
	text = string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return "", used, nil
	}
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:8])
	if hash == used {
		return "", used, nil
	}
	return text, hash, nil
}

// introUsed returns the hash of the last introduction that went out: each issue
// carries it on, so the newest one tells. An issue that was cancelled before
// anybody got it does not count.
func (s *Service) introUsed(ctx context.Context, name string) (string, error) {
	rehearsal := s.Rehearsal()
	for limit := 1; ; limit *= 4 {
		issues, err := s.store.Issues(ctx, store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal, Limit: limit})
		if err != nil {
			return "", err
		}
		for _, i := range issues {
			if i.State == newsletter.IssueCancelled || i.State == newsletter.IssueAwaiting {
				if reached, err := s.reached(ctx, i); err != nil || !reached {
					if err != nil {
						return "", err
					}
					continue
				}
			}
			frozen, _, err := s.store.FrozenIssue(ctx, i.ID)
			return frozen.IntroUsed, err
		}
		if len(issues) < limit {
			return "", nil
		}
	}
}

// reached reports whether somebody got the issue.
func (s *Service) reached(ctx context.Context, i newsletter.Issue) (bool, error) {
	counts, err := s.store.IssueCounts(ctx, i.ID)
	return counts[newsletter.Sent]+counts[newsletter.Uncertain] > 0, err
}

// templatesFS is the site's folder of templates.
func (s *Service) templatesFS() fs.FS {
	if s.o.SiteFS != nil {
		if sub, err := fs.Sub(s.o.SiteFS, "templates"); err == nil {
			return sub
		}
	}
	return emptyFS{}
}

// emptyFS is a folder with nothing in it.
type emptyFS struct{}

// Open finds nothing.
func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
