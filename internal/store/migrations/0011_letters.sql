-- Letters on request: mail to one person that is no issue. Each has a chunk of its
-- own, of kind 1 and without an issue, with one delivery.
CREATE TABLE letters (
	chunk      BIGINT {{key}},
	kind       TEXT NOT NULL,             -- confirm, known, access, change, changed
	rehearsal  SMALLINT NOT NULL,
	newsletter TEXT NOT NULL,             -- empty: of the site
	subscriber BIGINT NOT NULL,
	address    TEXT NOT NULL,             -- where it goes: of a change, not yet the subscriber's
	hash       TEXT NOT NULL,             -- keyed, of the address
	content    TEXT NOT NULL,             -- hash in frozen
	asked      TEXT NOT NULL,             -- JSON: what its link will do, and the proof of who asked; empty: nothing
	expires_at BIGINT NOT NULL,           -- not sent from then on, 0: never
	created_at BIGINT NOT NULL
);
CREATE INDEX letters_hash ON letters (hash, created_at);
CREATE INDEX letters_subscriber ON letters (subscriber);
CREATE INDEX letters_created ON letters (created_at);

-- The few that are open, among all chunks.
CREATE INDEX chunks_letters ON chunks (due_at, id) WHERE closed = 0 AND kind = 1;
