package publish

import (
	"fmt"
	"os"
	"sync"
)

// spoolMemory is how much a spool keeps in memory before it takes a file, in bytes.
const spoolMemory = 8 << 20

// spool keeps encoded entries until their documents are written. It may be used
// concurrently.
type spool struct {
	dir string

	mu     sync.Mutex
	buf    []byte
	offset int64 // of buf in the spool
	file   *os.File
}

// add keeps pieces, one behind the other, and returns where they begin.
func (s *spool) add(pieces ...[]byte) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.offset + int64(len(s.buf))
	for _, p := range pieces {
		s.buf = append(s.buf, p...)
	}
	if len(s.buf) < spoolMemory {
		return at, nil
	}
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, ".syndicate-*"); err != nil {
			return 0, err
		}
		// Where the system allows it, no crash leaves the file behind.
		os.Remove(s.file.Name())
	}
	if _, err := s.file.WriteAt(s.buf, s.offset); err != nil {
		return 0, fmt.Errorf("keeping entries in %s: %w", s.dir, err)
	}
	s.offset += int64(len(s.buf))
	s.buf = s.buf[:0]
	return at, nil
}

// read appends n bytes of the spool to dst.
func (s *spool) read(dst []byte, at int64, n int) ([]byte, error) {
	s.mu.Lock()
	if at >= s.offset {
		dst = append(dst, s.buf[at-s.offset:][:n]...)
		s.mu.Unlock()
		return dst, nil
	}
	s.mu.Unlock() // what is in the file does not change
	have := len(dst)
	if cap(dst)-have < n {
		dst = append(make([]byte, 0, 2*(have+n)), dst...)
	}
	dst = dst[:have+n]
	_, err := s.file.ReadAt(dst[have:], at)
	return dst, err
}

func (s *spool) close() {
	if s.file != nil {
		name := s.file.Name()
		s.file.Close()
		os.Remove(name)
	}
}
