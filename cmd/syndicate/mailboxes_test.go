package main

import (
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/test/dovecot"
)

// TestScriptIMAP runs the script about a mailbox on a server: Dovecot at $IMAP, with one
// message, whose certificate $IMAP_CA signed.
func TestScriptIMAP(t *testing.T) {
	t.Parallel()
	d := dovecot.Start(t)
	d.Deliver("1", "From: shop@example.net\nTo: bounces@example.org\nSubject: Your parcel\n\nIt is on its way.\n")
	p := params([]string{"testdata/script/imap_dovecot.txtar"}, func() string { return "sqlite:data/syndicate.db" })
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Vars = append(e.Vars, "IMAP="+strconv.Itoa(d.TLSPort), "IMAP_CA="+d.CAFile, "IMAP_PASSWORD="+dovecot.Password)
		return setup(e)
	}
	testscript.Run(t, p)
}
