// Package mailer turns a rendered digest into message bytes and hands them to a
// relay.
//
// The procedure:
//
//   - [NewTemplate] builds a message once with go-mail's Msg, placeholders where
//     each recipient's own values go, serialises it and cuts it into segments.
//     [Template.Append] splices one recipient's values between them: pure 7-bit
//     ASCII, CRLF, body lines of at most 76 octets whatever the values are.
//   - [Dial] connects to a [Relay] with go-mail's smtp.Client: greeting, EHLO,
//     STARTTLS, AUTH. Each failure carries the phase it happened in.
//   - [Conn.Run] is the transaction loop: one recipient a message and, where the
//     relay offers PIPELINING (RFC 2920), one round trip a message, because the
//     body of one and MAIL, RCPT and DATA of the next share a write.
//   - [StartCatcher] is the relay of sites that have none: a real SMTP server on
//     loopback that keeps each message as a file.
//
// What a reply means is newsletter.Judge's business, not this package's.
package mailer
