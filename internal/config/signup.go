package config

import "time"

// SignUp bounds what strangers can have mailed with the forms of the site. Which newsletters have one is
// said there.
type SignUp struct {
	// ConfirmWithin is how long the link works that confirms a subscription. Default 7d.
	ConfirmWithin time.Duration `yaml:"confirm_within" default:"7d" range:"1h..28d"`
	// ForgetAfter is how long a sign-up is kept that nobody confirms. Default 30d.
	ForgetAfter time.Duration `yaml:"forget_after" default:"30d" range:"1h..366d"`
	// PerAddress is how many letters of a kind, such as the one that asks to confirm, an address gets in
	// a day. Default 3.
	PerAddress int `yaml:"per_address" default:"3" range:"1..50"`
	// PerNetwork is how many sign-ups a day a network (/24, or /48 of IPv6) may make. Default 30.
	PerNetwork int `yaml:"per_network" default:"30" range:"1..1000000"`
	// PerDay is how many sign-ups there may be in a day at all. Default 5000.
	PerDay int `yaml:"per_day" default:"5000" range:"1..100000000"`
	// MaxWaiting is how many sign-ups may wait to be dealt with. Default 10000.
	MaxWaiting int `yaml:"max_waiting" default:"10000" range:"1..10000000"`
}
