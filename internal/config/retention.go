package config

import (
	"fmt"
	"math"
	"time"
)

// Retention says how long what is held about people is kept. Sign-ups that nobody confirms are kept for
// SignUp.ForgetAfter.
type Retention struct {
	// Deliveries is how long it is known of an issue that is over what became of each delivery; how many
	// came to what is known for ever. Default 180d.
	Deliveries Period `yaml:"deliveries" default:"180d" range:"30d..3650d"`
	// Replies is how long what relays said of each delivery is kept, in their words. Default 30d.
	Replies Period `yaml:"replies" default:"30d" range:"1d..3650d"`
	// Letters is how long letters on request are kept, which hold who asked for what. Default 30d.
	Letters time.Duration `yaml:"letters" default:"30d" range:"1d..366d"`
	// Unsubscribed is after how long nothing but a keyed hash is known of who left: not before it cannot be
	// undone any more (newsletter.UndoLeaving). Default 365d.
	Unsubscribed Period `yaml:"unsubscribed" default:"365d" range:"30d..3650d"`
	// Bounces is how long what came back is kept. Default 400d.
	Bounces Period `yaml:"bounces" default:"400d" range:"30d..3650d"`
	// BounceMessages is how long messages are kept that came back and were not understood. Default 30d.
	BounceMessages time.Duration `yaml:"bounce_messages" default:"30d" range:"1d..366d"`
	// Reasons is how long what people wrote is kept when they left. Default 365d.
	Reasons Period `yaml:"reasons" default:"365d" range:"1d..3650d"`
	// Imports is how long an import can be undone. Default 365d.
	Imports Period `yaml:"imports" default:"365d" range:"1d..3650d"`
	// Outbox is how long the catcher's mail is kept. Default 30d.
	Outbox Period `yaml:"outbox" default:"30d" range:"1h..3650d"`
}

// Period is how long something is kept. In the file: 30d, or never where it never goes.
type Period time.Duration

// Never is the period of what never goes.
const Never Period = math.MaxInt64

// String is the period as it would be written in the file.
func (p Period) String() string {
	d := time.Duration(p)
	switch {
	case p == Never:
		return "never"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

func parsePeriod(s string) (Period, error) {
	if s == "never" {
		return Never, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return 0, expected("a duration such as 48h or 30d, or never")
	}
	return Period(d), nil
}

func (d *decoder) retention(c *Config) {
	if least := c.SignUp.ConfirmWithin; c.Retention.Letters < least {
		d.key("retention.letters", "or the link would be forgotten before it ends", "expected at least signup.confirm_within, which is %s", Period(least))
	}
	if least := Period(c.Bounces.Soft.Within); c.Retention.Bounces < least {
		d.key("retention.bounces", "", "expected at least bounces.soft.within, which is %s", least)
	}
}
