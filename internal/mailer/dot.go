package mailer

import "bytes"

const finalDot = ".\r\n"

// appendData appends msg as it is sent after a 354: dot-stuffed (RFC 5321 4.5.2),
// with CRLF at its end, then the final dot.
//
// A bare CR or LF never leaves here: some relays take it for the end of a line,
// and text behind it for commands. Templates hold none; should one come from
// elsewhere, it becomes CRLF.
func appendData(dst, msg []byte) []byte {
	start := len(dst)
	if len(msg) > 0 && msg[0] == '.' {
		dst = append(dst, '.')
	}
	from, lines := 0, 0 // msg[:from] is copied
	for i := 0; ; lines++ {
		n := bytes.IndexByte(msg[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		if i < 2 || msg[i-2] != '\r' {
			return appendData(dst[:start], crlf(msg))
		}
		if i < len(msg) && msg[i] == '.' {
			dst = append(append(dst, msg[from:i]...), '.')
			from = i
		}
	}
	if bytes.Count(msg, []byte{'\r'}) != lines {
		return appendData(dst[:start], crlf(msg))
	}
	dst = append(dst, msg[from:]...)
	if !bytes.HasSuffix(msg, []byte("\r\n")) {
		dst = append(dst, "\r\n"...)
	}
	return append(dst, finalDot...)
}

// crlf makes every CR, LF and CRLF a CRLF.
func crlf(msg []byte) []byte {
	out := make([]byte, 0, len(msg)+len(msg)/16+16)
	for i, c := range msg {
		switch {
		case c == '\n' && i > 0 && msg[i-1] == '\r': // written with its CR
		case c == '\r' || c == '\n':
			out = append(out, '\r', '\n')
		default:
			out = append(out, c)
		}
	}
	return out
}
