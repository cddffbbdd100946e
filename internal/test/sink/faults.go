package sink

// Faults are shares (0 to 1) of the recipients that something happens to. Each
// recipient suffers one of them at most, and all but Refuse on its first attempt
// only.
type Faults struct {
	Later     float64 `json:"later,omitempty"`      // 451 to RCPT
	Refuse    float64 `json:"refuse,omitempty"`     // 550 5.1.1 to RCPT, each time
	RefuseDot float64 `json:"refuse_dot,omitempty"` // 451 to the final dot
	DropBody  float64 `json:"drop_body,omitempty"`  // the connection is lost in the message
	DropReply float64 `json:"drop_reply,omitempty"` // the message is taken, and the connection lost before the reply
}

// fault is what happens to one recipient.
type fault int

const (
	none fault = iota
	later
	refuse
	refuseDot
	dropBody
	dropReply
)

// of returns what is to happen to an address.
func (f *Faults) of(seed uint64, address string) fault {
	p := float64(hash(seed, address)>>11) / (1 << 53)
	for _, x := range [...]struct {
		share float64
		fault fault
	}{{f.Later, later}, {f.Refuse, refuse}, {f.RefuseDot, refuseDot}, {f.DropBody, dropBody}, {f.DropReply, dropReply}} {
		if p < x.share {
			return x.fault
		}
		p -= x.share
	}
	return none
}

// hash is FNV-1a with its bits mixed: those of short words differ little.
func hash(seed uint64, word string) uint64 {
	x := uint64(14695981039346656037) ^ seed*0x9e3779b97f4a7c15
	for i := range len(word) {
		x = (x ^ uint64(word[i])) * 1099511628211
	}
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
