// Package mailbox reads a folder of mail on an IMAP server (RFC 9051, RFC 3501).
//
// The procedure: a connection is opened, encrypted and logged in, and the folder is
// selected (dial.go). What is new there is fetched, a message at a time and no further
// than is wanted, handed to whoever takes it, and put away: marked, moved or deleted
// (take.go). Then the server tells when mail comes (IDLE, RFC 2177), or is asked now and
// then (wait.go).
//
// New is what was not put away. No number of a message is kept longer than the
// connection, so a folder that was made anew, with other numbers (UIDVALIDITY), is read
// like any other; and what was taken, but not put away before a crash, comes once more.
//
// A server is not trusted: every step ends in time, and no more is read of an answer
// than it can need (bounded.go). A message that the server cannot give keeps no other.
package mailbox
