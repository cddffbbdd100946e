// Package bounce reads what comes back: a message in, what it says out.
//
// The procedure of [Parse]:
//
//   - The message is read up to a limit and taken apart with go-message: its own
//     header, what people read, reports for machines (RFC 3464 delivery status,
//     RFC 5965 feedback, RFC 8098 disposition) wherever they are and whatever
//     type they claim, and the header of the mail that is returned.
//   - A report for machines is believed first. Where it does not say why, the text
//     beside it does.
//   - Then what is no bounce: unsubscribing by mail, automatic replies.
//   - Then the text: recipients by their addresses, replies of SMTP servers and
//     statuses near them, phrases in the languages that mail systems speak.
//   - What is not understood becomes one unclassified report.
//
// What a refusal means is the business of newsletter.Classify, the one table that
// SMTP replies are judged by too. Webhooks of providers are read by functions of
// their own ([ParseSES] and so on), which return the same reports.
package bounce
