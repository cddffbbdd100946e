package config

import (
	"time"
)

// Relay is an SMTP server that takes mail from us.
type Relay struct {
	// Name tells relays apart in messages and limits. Default: the host.
	Name string `yaml:"name"`
	// Host is a host name, in ASCII form, or an IP address.
	Host string `yaml:"host" required:"true" kind:"host" example:"host: smtp.example.org"`
	// Port is the TCP port. Default 587 for starttls, 465 for implicit, 25 for none.
	Port int `yaml:"port" range:"1..65535"`
	// TLS is starttls (encrypt after the greeting, or do not send), implicit (from the first byte) or
	// none. Default starttls.
	TLS string `yaml:"tls" default:"starttls" oneof:"starttls implicit none"`
	// Username logs in. Default empty: no login.
	Username string `yaml:"username"`
	// Password goes with Username; or password_file.
	Password Secret `yaml:"password"`
	// Auth is how to log in; auto takes the strongest the relay offers. Default auto.
	Auth string `yaml:"auth" default:"auto" oneof:"auto plain login cram-md5 scram-sha-256 none"`
	// Connections is how many are open at once, in all processes together. Default 4.
	Connections int `yaml:"connections" default:"4" range:"1..1000"`
	// Rate is the most messages in a time, in all processes together. Default zero: as fast as the relay
	// takes them.
	Rate Rate `yaml:"rate"`
	// Weight is the relay's share of the messages among several: of 3 and 1, the first gets three in four.
	// One of weight 0 stands by, and is used while the others cannot be. Default 1 for the first relay, 0
	// for the others.
	Weight int `yaml:"weight" range:"0..1000"`
	// WarmUp is a daily limit that grows, for a relay that receivers do not know yet. Default none.
	WarmUp WarmUp `yaml:"warm_up"`
	// MessagesPerConnection is how many messages are sent before reconnecting. Default 1000.
	MessagesPerConnection int `yaml:"messages_per_connection" default:"1000" range:"1..1000000"`
	// Timeouts bound each step of the conversation.
	Timeouts RelayTimeouts `yaml:"timeouts"`
	// Helo is the name we greet the relay with. Default empty: this machine's host name.
	Helo string `yaml:"helo" kind:"host"`
	// CAFile is a PEM file of the authorities that may sign the relay's certificate. Default: the system's.
	CAFile string `yaml:"ca_file" kind:"path"`
	// InsecureSkipVerify accepts any certificate, for test servers only. Default false.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// WarmUp is how many messages a relay gets a day, by the site's days and in all processes together.
type WarmUp struct {
	// From is the first day; before it the relay gets nothing.
	From Date `yaml:"from"`
	// First is how many messages it gets on that day.
	First int `yaml:"first" default:"500" range:"1..1000000000"`
	// Growth is how many times as many it gets each day after. Default 1.5.
	Growth Factor `yaml:"growth" default:"1.5"`
	// Until is the first day without a limit. Default none: the limit goes on growing.
	Until Date `yaml:"until"`
}

// RelayTimeouts bound the steps of an SMTP conversation; the defaults follow RFC 5321 section 4.5.3.2.
type RelayTimeouts struct {
	// Connect is for the TCP and TLS handshakes. Default 30s.
	Connect time.Duration `yaml:"connect" default:"30s" range:"10ms..1h"`
	// Command is for the greeting and the reply to each command. Default 5m.
	Command time.Duration `yaml:"command" default:"5m" range:"10ms..1h"`
	// Data is for each write of message bytes. Default 3m.
	Data time.Duration `yaml:"data" default:"3m" range:"10ms..1h"`
	// Dot is for the reply to the end of a message. Default 10m.
	Dot time.Duration `yaml:"dot" default:"10m" range:"10ms..1h"`
}

// Delivery says how mail is sent, retried and given up.
type Delivery struct {
	// Chunk is how many deliveries a worker leases at a time. Default 500.
	Chunk int `yaml:"chunk" default:"500" range:"1..10000"`
	// Lease is how long a worker that went silent keeps its chunks. Default 30s.
	Lease time.Duration `yaml:"lease" default:"30s" range:"100ms..1h"`
	// Renew is how often a lease is renewed; at most half of Lease. Default: a sixth of Lease, 5s.
	Renew time.Duration `yaml:"renew" range:"10ms..30m"`
	// GiveUpAfter is how long a delivery is retried. Default 48h.
	GiveUpAfter time.Duration `yaml:"give_up_after" default:"48h" range:"1s..30d"`
	// Backoff is the time between attempts.
	Backoff Backoff `yaml:"backoff"`
	// Uncertain is what happens to a message whose last reply was lost: resend it with the same
	// Message-ID, or hold it for the operator. Default resend.
	Uncertain string `yaml:"uncertain" default:"resend" oneof:"resend hold"`
	// Groups limits what receivers get, by recipient-domain group: gmail, outlook, yahoo, …, a domain that
	// is none of them, or default for every group that is not named. Default no limits.
	Groups []Group `yaml:"groups"`
	// Receivers says how the receiver of a domain is found: mx asks the DNS whose servers take its mail,
	// names knows only the large receivers' own domains. Default mx.
	Receivers string `yaml:"receivers" default:"mx" oneof:"mx names"`
	// Breaker pauses an issue that goes wrong.
	Breaker Breaker `yaml:"breaker"`
	// Grace is how long a stopping worker may finish what is in flight. Default 30s.
	Grace time.Duration `yaml:"grace" default:"30s" range:"100ms..1h"`
	// Workers is how many chunks one process works on at once. Default 4.
	Workers int `yaml:"workers" default:"4" range:"1..256"`
}

// Breaker says when an issue is paused because it goes wrong. A share of 0% never does it.
type Breaker struct {
	// After is how many deliveries must be sent or have failed before shares mean anything. Default 100.
	After int `yaml:"after" default:"100" range:"1..1000000"`
	// Failures is the share that may fail. Default 20%.
	Failures Share `yaml:"failures" default:"20%"`
	// Complaints is the share that may complain; five complaints at least. Default 0.3%.
	Complaints Share `yaml:"complaints" default:"0.3%"`
	// Refusals is how many messages one receiver may refuse in a row for their content; 0 never does
	// it. Default 20.
	Refusals int `yaml:"refusals" default:"20" range:"0..1000000"`
}

// Group is how a recipient-domain group may be sent to, by all processes together.
type Group struct {
	// Name is the key it stands under.
	Name string `yaml:",key" kind:"group"`
	// Rate is the most messages in a time. Default no limit.
	Rate Rate `yaml:"rate"`
	// Connections is how many messages to it are on their way at once. Default 0: no limit.
	Connections int `yaml:"connections" range:"0..1000"`
}

// Backoff is the time between attempts: it begins at First and doubles up to Max, with jitter.
type Backoff struct {
	// First is the wait after the first failure. Default 1m, or Max if that is shorter.
	First time.Duration `yaml:"first" default:"1m" range:"10ms..24h"`
	// Max is the longest wait. Default 1h.
	Max time.Duration `yaml:"max" default:"1h" range:"10ms..7d"`
}

// DKIM is one key that messages from a domain are signed with. A domain may have several; each signs.
type DKIM struct {
	// Domain is the signing domain (d=), in ASCII form: that of the newsletters' From, or a parent of it.
	Domain string `yaml:"domain" required:"true" kind:"domain" example:"domain: example.org"`
	// Selector names the key in the DNS (s=).
	Selector string `yaml:"selector" required:"true" kind:"selector" example:"selector: s1"`
	// KeyFile is a PEM file with an RSA (2048 bits or more) or Ed25519 private key, relative to the site
	// folder.
	KeyFile string `yaml:"key_file" required:"true" kind:"path" example:"key_file: keys/s1.pem"`
}
