package mailer

// What black-box tests need from inside.
var (
	EndData   = endData
	ReadReply = readReply
	NewReply  = newReply
)

// LoginInTheOpen tries to log in where others can listen.
func LoginInTheOpen(r Relay) error {
	_, err := r.login(nil, []string{"PLAIN", "CRAM-MD5"}, false)
	return err
}

// SetTimeouts changes those of an open connection.
func SetTimeouts(c *Conn, t Timeouts) { c.timeouts = t.withDefaults() }
