package mailer

import "bytes"

const finalDot = ".\r\n"

// endData makes msg what is sent after a 354: dot-stuffed (RFC 5321 4.5.2), with
// CRLF at its end, then the final dot. Mostly only that is missing, and nothing is
// copied.
//
// A bare CR or LF never leaves here: some relays take it for the end of a line,
// and text behind it for commands. Templates hold none; should one come from
// elsewhere, it becomes CRLF.
func endData(msg []byte) []byte {
	clean, dots := lines(msg)
	switch {
	case !clean:
		msg = stuff(crlf(msg))
	case dots:
		msg = stuff(msg)
	}
	if !bytes.HasSuffix(msg, []byte("\r\n")) {
		msg = append(msg, "\r\n"...)
	}
	return append(msg, finalDot...)
}

// lines reports whether every line ends with CRLF and whether one begins with a dot.
func lines(msg []byte) (clean, dots bool) {
	dots = len(msg) > 0 && msg[0] == '.'
	n := 0
	for i := 0; ; n++ {
		next := bytes.IndexByte(msg[i:], '\n')
		if next < 0 {
			break
		}
		i += next + 1
		if i < 2 || msg[i-2] != '\r' {
			return false, dots
		}
		dots = dots || i < len(msg) && msg[i] == '.'
	}
	return bytes.Count(msg, []byte{'\r'}) == n, dots
}

// stuff doubles the dots that lines begin with.
func stuff(msg []byte) []byte {
	out := make([]byte, 0, len(msg)+len(msg)/16+16)
	for line := range bytes.Lines(msg) {
		if line[0] == '.' {
			out = append(out, '.')
		}
		out = append(out, line...)
	}
	return out
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
