package mailer

import "net/mail"

// Content is what all copies of a message share. HTML and Text may hold the
// newsletter.Placeholder… constants. Empty fields leave their header out.
type Content struct {
	From    mail.Address // ASCII address
	ReplyTo mail.Address // zero: none
	Subject string       // plain text in UTF-8

	HTML string // UTF-8; empty: a message with a text part only
	Text string // UTF-8; empty: a message with an HTML part only

	Language      string // BCP 47, for Content-Language
	ListName      string // phrase before ListID
	ListID        string // RFC 2919, without brackets: "weekly.news.example.org"
	ListHelp      string // URL, RFC 2369
	ListArchive   string // URL, RFC 2369
	ListMailbox   string // address or mailto URL that takes unsubscribe requests, RFC 2369
	FeedbackID    string // for Gmail's feedback loop; without recipient data
	Precedence    string // "list" on digests
	AutoSubmitted string // RFC 3834: "auto-generated" on confirmations, empty on digests
}
