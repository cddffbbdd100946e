// Package proof holds the tests of the promise of delivery: nothing lost, nothing
// sent twice except what a crash caught in flight.
//
// They know the program from outside only. They build it, make a site, and run it
// as its users do, in processes of its own: one on SQLite, three on PostgreSQL.
// These are killed, stopped and interrupted in the middle of an issue; the relay
// that counts what arrives (internal/test/sink) is put off, goes down and falls
// silent; the database is stopped, locked and out of space. Afterwards the copies
// that each recipient got are compared with what the rows said at that instant.
// The hub's promise is held in the same way: two nodes call the subscribers of a feed,
// and the one that calls is killed (hub_test.go).
//
// Instants are chosen by what happens, such as the first bytes of the 173rd
// message, and not by a clock. By default everything is small; the flags, which
// `make proof` sets, make it large:
//
//	go test ./internal/proof -rounds 20 -recipients 5000 -outage 30s -v
package proof
