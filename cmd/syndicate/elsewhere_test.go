package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// elsewhereCommand starts a server with the files of a folder, somebody else's:
// elsewhere NAME FOLDER. Its address is $NAME.
func elsewhereCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "elsewhere NAME FOLDER")
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[1]))))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}
