package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"syndicate/internal/source"
)

// publishAssets copies the files that stand beside articles to public/files/,
// where they are missing or differ in size or time. Files that vanish from the
// source stay: mail that was sent refers to them.
func (s *Service) publishAssets(ctx context.Context, name string, listing *source.Listing) (failed []string) {
	if s.o.Feeds.Dir == "" {
		return nil
	}
	dir := filepath.Join(s.o.Feeds.Dir, filesPath, name)
	if len(listing.Assets) > 0 {
		if os.MkdirAll(s.o.Feeds.Dir, 0o755) != nil {
			return nil // Publish says that there is no such folder
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return []string{fmt.Sprintf("the files beside articles are not published: %v", err)}
		}
	}
	for _, a := range listing.Assets {
		if ctx.Err() != nil {
			return failed
		}
		to := filepath.Join(dir, filepath.FromSlash(a.Path))
		if st, err := os.Lstat(to); err == nil && st.Size() == a.Size && st.ModTime().Equal(a.ModTime) {
			continue
		}
		if err := copyAsset(listing, a, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err.Error())
		}
	}
	return failed
}

// copyAsset copies one file by way of a temporary file beside it.
func copyAsset(listing *source.Listing, a source.Asset, to string) (err error) {
	in, err := listing.Open(a.Path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", a.Path, err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(to), ".syndicate-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("publishing %s: %w", a.Path, err)
			out.Close()
			os.Remove(out.Name())
		}
	}()
	if _, err = io.Copy(out, io.LimitReader(in, a.Size)); err != nil {
		return err
	}
	if err = out.Chmod(0o644); err != nil {
		return err
	}
	if err = out.Close(); err != nil {
		return err
	}
	if err = os.Chtimes(out.Name(), a.ModTime, a.ModTime); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
