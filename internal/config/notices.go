package config

// Notices tells of settings that are understood and checked, but that this
// version does not act on, so that nobody counts on them. They are for people to
// read, beside whatever was asked for.
func (c *Config) Notices() []Problem {
	var list []Problem
	note := func(has bool, key, message, hint string) {
		if has {
			p := nearest(c.where, key)
			list = append(list, Problem{File: c.file, Line: p.line, Column: p.column, Message: message, Hint: hint})
		}
	}
	note(len(c.Feeds.Hubs) > 0, "feeds.hubs", "feeds.hubs has no effect in this version", "hubs are neither named in feeds nor told of articles")
	note(len(c.DKIM) > 0, "dkim", "dkim has no effect in this version", "let the relay sign")
	note(c.Bounces.ReturnPath.Address != "" || c.Bounces.Maildir != "", "bounces", "bounces has no effect in this version", "bounces go to the newsletter's sender")
	return list
}
