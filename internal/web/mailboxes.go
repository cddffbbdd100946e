package web

import (
	"fmt"
	"strings"

	"syndicate/internal/store"
)

// writeMailboxes tells of the mailboxes that bounces arrive in, where there are any.
func writeMailboxes(b *strings.Builder, family func(name, kind, help string), all []store.Mailbox) {
	if len(all) == 0 {
		return
	}
	family("syndicate_mailbox_up", "gauge", "Whether a mailbox that bounces arrive in could be read when it was tried last.")
	for _, m := range all {
		up := 0
		if m.Error == "" && !m.ReadAt.IsZero() {
			up = 1
		}
		fmt.Fprintf(b, "syndicate_mailbox_up{mailbox=%s} %d\n", label(m.Name), up)
	}
	family("syndicate_mailbox_read_timestamp_seconds", "gauge", "When all of it was read last.")
	for _, m := range all {
		if !m.ReadAt.IsZero() {
			fmt.Fprintf(b, "syndicate_mailbox_read_timestamp_seconds{mailbox=%s} %d\n", label(m.Name), m.ReadAt.Unix())
		}
	}
}

// writeReports tells what came back, on all nodes.
func writeReports(b *strings.Builder, family func(name, kind, help string), all []store.BounceCount) {
	family("syndicate_reports_total", "counter", "Reports that came back (bounces, complaints, requests to leave), by kind.")
	for _, c := range all {
		fmt.Fprintf(b, "syndicate_reports_total{kind=%s} %d\n", label(string(c.Kind)), c.Count)
	}
}
