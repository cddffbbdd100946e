package config

// IMAP is a folder on an IMAP server.
type IMAP struct {
	// Host is a host name, in ASCII form, or an IP address.
	Host string `yaml:"host" required:"true" kind:"host" example:"host: imap.example.org"`
	// Port is the TCP port. Default 993 for implicit, else 143.
	Port int `yaml:"port" range:"1..65535"`
	// TLS is implicit (encrypted from the first byte), starttls (encrypt after the greeting, or do not log
	// in) or none, which is for a server on this machine. Default implicit.
	TLS string `yaml:"tls" default:"implicit" oneof:"implicit starttls none"`
	// CAFile is a PEM file of the authorities that may sign the server's certificate. Default: the system's.
	CAFile string `yaml:"ca_file" kind:"path"`
	// Username logs in.
	Username string `yaml:"username" required:"true" example:"username: bounces@bounces.example.org"`
	// Password goes with Username; or password_file.
	Password Secret `yaml:"password" required:"true" example:"password: ${IMAP_PASSWORD}"`
	// Folder is the one that is read. Default INBOX.
	Folder string `yaml:"folder" default:"INBOX"`
	// Processed is what becomes of messages that were taken in: seen marks them as read, delete deletes
	// them, anything else is the folder that they are moved to. Default seen.
	Processed string `yaml:"processed" default:"seen"`
}

// inheritIMAP fills in the port.
func inheritIMAP(m *IMAP) {
	if m == nil || m.Port != 0 {
		return
	}
	m.Port = 143
	if m.TLS == "implicit" {
		m.Port = 993
	}
}

// imap checks what can be known without a connection.
func (d *decoder) imap(m *IMAP) {
	const section = "bounces.imap"
	if m == nil {
		return
	}
	if m.TLS == "none" && m.Host != "" && !isLoopback(m.Host) {
		d.key(section+".tls", "use implicit or starttls", "the password would cross the network unencrypted")
	}
	if m.Folder != "" && m.Folder == m.Processed {
		d.key(section+".processed", "seen marks messages where they are", "the messages are in this folder already")
	}
}
