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

// opener opens a file beside articles by its path in the source.
type opener func(path string) (io.ReadCloser, error)

// publishBeside publishes the files that stand beside articles in the folders that
// this node has, and says which could not be, by source. Ingesting does it on one
// node; but each has a public/ of its own.
func (s *Service) publishBeside(ctx context.Context) map[string][]string {
	failed := map[string][]string{}
	for _, src := range s.o.Sources {
		dir, ok := src.(*source.Dir)
		if !ok {
			continue
		}
		assets, open, err := dir.Assets(ctx)
		if err == nil {
			failed[src.Name()] = s.publishAssets(ctx, src.Name(), assets, open)
		}
		// Else another node has the folder, or ingesting says what is the matter.
	}
	return failed
}

// publishAssets copies the files that stand beside articles to public/files/,
// where they are missing or differ in size or time. Files that vanish from the
// source stay: mail that was sent refers to them.
func (s *Service) publishAssets(ctx context.Context, name string, assets []source.Asset, open opener) (failed []string) {
	if s.o.Feeds.Dir == "" {
		return nil
	}
	s.copying.Lock()
	defer s.copying.Unlock()
	dir := filepath.Join(s.o.Feeds.Dir, filesPath, name)
	if len(assets) > 0 {
		if os.MkdirAll(s.o.Feeds.Dir, 0o755) != nil {
			return nil // Publish says that there is no such folder
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return []string{fmt.Sprintf("the files beside articles are not published: %v", err)}
		}
	}
	for _, a := range assets {
		if ctx.Err() != nil {
			return failed
		}
		to := filepath.Join(dir, filepath.FromSlash(a.Path))
		if st, err := os.Lstat(to); err == nil && st.Size() == a.Size && st.ModTime().Equal(a.ModTime) {
			continue
		}
		if err := copyAsset(open, a, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err.Error())
		}
	}
	return failed
}

// copyAsset copies one file by way of a temporary file beside it.
func copyAsset(open opener, a source.Asset, to string) (err error) {
	in, err := open(a.Path)
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
