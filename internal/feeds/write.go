package feeds

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts data at name (slash-separated) under dir so that a reader sees the
// old document or the new one, never a part: a temporary file beside it is
// written, synced and renamed. Bytes that stand there already are left alone,
// which keeps their modification time.
func Write(dir, name string, data []byte) (changed bool, err error) {
	file := filepath.Join(dir, filepath.FromSlash(name))
	same, err := equalFile(file, data)
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", file, err)
	}
	if same {
		return false, nil
	}
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return false, err
	}
	tmp, err := os.CreateTemp(folder, ".syndicate-*")
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return false, err
	}
	if err = tmp.Chmod(0o644); err != nil {
		return false, err
	}
	if err = tmp.Sync(); err != nil {
		return false, err
	}
	if err = tmp.Close(); err != nil {
		return false, err
	}
	if err = os.Rename(tmp.Name(), file); err != nil {
		return false, err
	}
	return true, nil
}

// equalFile reports whether the file holds exactly data; a missing one does not.
func equalFile(name string, data []byte) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != int64(len(data)) {
		return false, err
	}
	old, err := io.ReadAll(f)
	return err == nil && bytes.Equal(old, data), err
}
