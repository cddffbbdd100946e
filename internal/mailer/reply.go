package mailer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"syndicate/internal/newsletter"
)

// Limits on what a relay may say. RFC 5321 4.5.3.1.5 allows it 512 octets a line.
const (
	maxReplyLine  = 2048
	maxReplyLines = 100
	maxReplyText  = 500
)

// readReply reads one reply, perhaps of several lines (RFC 5321 4.2.1). Its
// words are appended to text, in one line, without the status that each further
// line repeats.
func readReply(r *bufio.Reader, text []byte) (int, []byte, error) {
	code, status := 0, ""
	for n := 0; ; n++ {
		if n == maxReplyLines {
			return 0, text, fmt.Errorf("a reply of more than %d lines", maxReplyLines)
		}
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReplyLine {
			return 0, text, fmt.Errorf("a reply line of more than %d octets", maxReplyLine)
		}
		if err != nil {
			return 0, text, err
		}
		c, more, words, ok := cutReply(bytes.TrimRight(line, "\r\n"))
		if !ok || n > 0 && c != code {
			return 0, text, fmt.Errorf("not an SMTP reply: %.60q", line)
		}
		if n == 0 {
			code = c
			if more {
				status = leadingStatus(code, words)
			}
		} else {
			if rest, found := bytes.CutPrefix(words, []byte(status)); found && status != "" {
				words = bytes.TrimLeft(rest, " ")
			}
			text = append(text, ' ')
		}
		if len(text) < maxReplyText {
			text = append(text, words...)
		}
		if !more {
			return code, text, nil
		}
	}
}

// cutReply splits a line such as "250-SIZE 1000".
func cutReply(line []byte) (code int, more bool, words []byte, ok bool) {
	if len(line) < 3 {
		return 0, false, nil, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, nil, false
		}
		code = 10*code + int(c-'0')
	}
	switch {
	case code < 200 || code > 599:
		return 0, false, nil, false
	case len(line) == 3:
		return code, false, nil, true
	case line[3] != ' ' && line[3] != '-':
		return 0, false, nil, false
	}
	return code, line[3] == '-', line[4:], true
}

// leadingStatus returns the enhanced status (RFC 3463 2) that words begin with,
// if its class is the code's.
func leadingStatus(code int, words []byte) string {
	n := 0
	for field := range 3 {
		start := n
		for n < len(words) && n-start < 3 && words[n] >= '0' && words[n] <= '9' {
			n++
		}
		switch {
		case n == start, field == 0 && string(words[:n]) != strconv.Itoa(code/100):
			return ""
		case field == 2:
		case n == len(words) || words[n] != '.':
			return ""
		default:
			n++
		}
	}
	if n < len(words) && (words[n] == '.' || words[n] >= '0' && words[n] <= '9' || unicode.IsLetter(rune(words[n]))) {
		return ""
	}
	return string(words[:n])
}

// enhanced finds the enhanced status in a reply's words: at their beginning, as
// RFC 2034 wants it, or behind a # as some write it.
func enhanced(code int, words string) string {
	if s := leadingStatus(code, []byte(words)); s != "" {
		return s
	}
	if _, after, found := strings.Cut(words, "#"); found {
		return leadingStatus(code, []byte(after))
	}
	return ""
}

// newReply makes a reply of what the relay said.
func newReply(phase newsletter.Phase, code int, words string) newsletter.Reply {
	words = plainWords(words)
	return newsletter.Reply{Phase: phase, Code: code, Enhanced: enhanced(code, words), Text: words}
}

// plainWords makes foreign words fit for a log line, a page and a row.
func plainWords(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s))
	if len(s) <= maxReplyText {
		return s
	}
	n := maxReplyText - len("…")
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// noReply makes a reply of a failure to get one.
func noReply(phase newsletter.Phase, err error, waited time.Duration) newsletter.Reply {
	return newsletter.Reply{Phase: phase, Text: plainWords(failure(phase, err, waited))}
}

func failure(phase newsletter.Phase, err error, waited time.Duration) string {
	var (
		timeout net.Error
		unknown *net.DNSError
		call    *net.OpError
	)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer to %s within %s", phase, waited)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return "the relay closed the connection"
	case errors.Is(err, net.ErrClosed):
		return "the connection was closed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &unknown):
		return fmt.Sprintf("the name %s is not found (%s)", unknown.Name, unknown.Err)
	case errors.As(err, &call) && phase == newsletter.PhaseConnect:
		var system syscall.Errno
		if errors.As(call.Err, &system) {
			return system.Error()
		}
		return call.Err.Error()
	}
	return err.Error()
}
