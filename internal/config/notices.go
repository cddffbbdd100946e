package config

import (
	"fmt"
	"strings"
)

// Notices tells of settings that are understood and checked, but that have not the
// effect somebody may count on: this version does not act on them, or something is
// missing beside them. They are for people to read, beside whatever was asked for.
func (c *Config) Notices() []Problem {
	var list []Problem
	note := func(has bool, key, message, hint string) {
		if has {
			p := nearest(c.where, key)
			list = append(list, Problem{File: c.file, Line: p.line, Column: p.column, Message: message, Hint: hint})
		}
	}
	for _, n := range c.Newsletters {
		_, domain, _ := strings.Cut(n.From.Address, "@")
		note(len(c.DKIM) > 0 && !c.signs(domain), join("newsletters", n.Name)+".from",
			fmt.Sprintf("no key in dkim is for %s: nothing signs the mail of %s", domain, n.Name), "syndicate dkim keygen "+domain+" makes keys")
	}
	return list
}

// signs reports whether there is a key for a sender's domain or one of its parents.
func (c *Config) signs(domain string) bool {
	for _, k := range c.DKIM {
		if domain == k.Domain || strings.HasSuffix(domain, "."+k.Domain) {
			return true
		}
	}
	return false
}
