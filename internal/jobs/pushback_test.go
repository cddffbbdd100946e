package jobs

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

// TestPushbacks: which refusals, one after the other, tell of the receiver and
// not of single mailboxes.
func TestPushbacks(t *testing.T) {
	t.Parallel()
	refusal := func(code int, status, text string) newsletter.Reply {
		return newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: code, Enhanced: status, Text: text}
	}
	const many = 3 * refusalsRow
	for _, c := range []struct {
		name  string
		reply newsletter.Reply
		apart time.Duration
		after int // how many until the group is slowed, 0: never
	}{
		{"full mailboxes", refusal(452, "4.2.2", "mailbox full"), time.Second, 0},
		{"addresses", refusal(450, "4.1.1", "cannot verify the address"), time.Second, 0},
		{"greylisting", refusal(451, "4.7.1", "greylisted, come back later"), time.Second, 0},
		{"anything", refusal(451, "4.3.0", "not now"), time.Second, refusalsRow},
		{"anything, now and then", refusal(451, "4.3.0", "not now"), 20 * time.Second, 0},
		{"too fast even for the slowest", refusal(450, "4.7.28", "unusual rate"), 31 * time.Second, pushesInRow},
		{"too fast", refusal(450, "4.7.28", "unusual rate"), time.Second, pushesInRow},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := pushbacks{groups: map[string]*pushback{}}
			at, after := time.Unix(1_800_000_000, 0), 0
			for n := 1; n <= many && after == 0; n++ {
				if rate, pushed := p.note("large", c.reply, newsletter.Judge(c.reply), at); pushed {
					after = n
					if rate < newsletter.Slowest {
						t.Errorf("rate %v", rate)
					}
				}
				at = at.Add(c.apart)
			}
			if after != c.after {
				t.Errorf("slowed after %d, want %d", after, c.after)
			}
		})
	}
}

// TestPushbacksForgotten: groups that were refused long ago take no room.
func TestPushbacksForgotten(t *testing.T) {
	t.Parallel()
	p := pushbacks{groups: map[string]*pushback{}}
	at := time.Unix(1_800_000_000, 0)
	reply := newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 451, Text: "not now"}
	for n := range 5000 {
		p.note(fmt.Sprintf("d%d.example", n), reply, newsletter.Judge(reply), at)
		at = at.Add(time.Second)
	}
	if n := len(p.groups); n > 300 || int(p.count.Load()) != n {
		t.Errorf("%d groups, counted %d", n, p.count.Load())
	}
}
