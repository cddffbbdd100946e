-- Who somebody was in mail of before a change of address: its links to leave go on working.
-- It goes with them.
CREATE TABLE former (
	hash       TEXT NOT NULL,             -- keyed, of the address that they left
	was        BIGINT NOT NULL,           -- the subscriber whom that mail names
	subscriber BIGINT NOT NULL,           -- who they are now
	PRIMARY KEY (hash, was)
){{compact}};
CREATE INDEX former_was ON former (was);
CREATE INDEX former_subscriber ON former (subscriber);
