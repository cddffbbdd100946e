-- How the deliveries of a chunk stand, as of its last release: an issue is
-- counted by its chunks. While counted is 0 (the chunk is in a worker's hands)
-- its rows must be looked at instead.
ALTER TABLE chunks ADD COLUMN counted SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;   -- of pending: tried before
ALTER TABLE chunks ADD COLUMN sending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN uncertain INTEGER NOT NULL DEFAULT 0;

-- Chunks of a later wave than their issue's wait: the canary goes before the rest.
ALTER TABLE chunks ADD COLUMN wave SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN wave SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN canary DOUBLE PRECISION NOT NULL DEFAULT 0; -- its share of the audience, 0: none
ALTER TABLE issues ADD COLUMN canary_at BIGINT NOT NULL DEFAULT 0;        -- since when all of it was tried

-- Who paused an issue: operator, breaker, canary, stale; empty: nobody.
ALTER TABLE issues ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';

-- How the issue stood when somebody last let it go on: the breaker judges what came after.
ALTER TABLE issues ADD COLUMN base_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN base_failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN base_complaints INTEGER NOT NULL DEFAULT 0;

-- What relays said, by kind of reply and by chunk, as of its last release.
CREATE TABLE replies (
	chunk      BIGINT NOT NULL,
	state      SMALLINT NOT NULL,         -- of the deliveries
	code       SMALLINT NOT NULL,
	reply      TEXT NOT NULL,             -- see newsletter.ReplyKind
	count      INTEGER NOT NULL,
	subscriber BIGINT NOT NULL,           -- an example
	PRIMARY KEY (chunk, state, code, reply)
){{compact}};
