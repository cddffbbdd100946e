-- Who does which discrete job ("ingest", "seal 12"). A row goes when the job is
-- done; after a failure it stays, and says when the job may be tried again.
CREATE TABLE claims (
	name       TEXT PRIMARY KEY,
	fence      BIGINT NOT NULL,           -- raised whenever somebody begins it
	held       SMALLINT NOT NULL,         -- 1: somebody does it
	expires_at BIGINT NOT NULL,           -- until then nobody else begins it
	failures   INTEGER NOT NULL           -- in a row
);
