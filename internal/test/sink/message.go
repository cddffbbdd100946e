package sink

import (
	"bufio"
	"bytes"
)

// maxHeader is as much of a header as is looked at.
const maxHeader = 32 << 10

// message is a message that was thrown away.
type message struct {
	header []byte // its beginning; reused
	size   int64  // without the final dot
}

// read reads up to the final dot. begun is called when the first bytes have come.
func (m *message) read(r *bufio.Reader, begun func()) error {
	m.header, m.size = m.header[:0], 0
	b, err := r.Peek(3)
	if err != nil {
		return err
	}
	begun()
	if string(b) == ".\r\n" {
		_, err = r.Discard(3)
		return err
	}
	complete := false
	for {
		// The end has five bytes; what is kept back may be its beginning.
		if _, err := r.Peek(5); err != nil {
			return err
		}
		b, err := r.Peek(r.Buffered())
		if err != nil {
			return err
		}
		end := bytes.Index(b, []byte("\r\n.\r\n"))
		n, skip := end+2, end+5
		if end < 0 {
			n = len(b) - 4
			skip = n
		}
		if !complete {
			m.header = append(m.header, b[:n]...)
			i := bytes.Index(m.header, []byte("\r\n\r\n"))
			if i >= 0 {
				m.header = m.header[:i+2]
			}
			complete = i >= 0 || len(m.header) > maxHeader
		}
		m.size += int64(n)
		if _, err := r.Discard(skip); err != nil || end >= 0 {
			return err
		}
	}
}

// to reports whether the message is addressed to an address.
func (m *message) to(address string) bool {
	return bytes.Contains(bytes.ToLower(m.field("To")), []byte(address))
}

// id returns a hash of the Message-ID.
func (m *message) id() uint64 { return hash(0, string(m.field("Message-ID"))) }

// field returns the value of a header field, folded as it is; nil: there is none.
func (m *message) field(name string) []byte {
	start := []byte(name + ": ")
	rest := m.header
	if !bytes.HasPrefix(rest, start) {
		i := bytes.Index(rest, append([]byte("\r\n"), start...))
		if i < 0 {
			return nil
		}
		rest = rest[i+2:]
	}
	rest = rest[len(start):]
	for n := 0; ; {
		i := bytes.Index(rest[n:], []byte("\r\n"))
		if i < 0 {
			return rest
		}
		n += i + 2
		if n >= len(rest) || rest[n] != ' ' && rest[n] != '\t' {
			return rest[:n-2]
		}
	}
}
