-- What is held about people goes after a time. This says when a pass was last through
-- with each kind, and how much went.
CREATE TABLE retention (
	kind    TEXT PRIMARY KEY,
	at      BIGINT NOT NULL,          -- 0: none was through yet
	removed BIGINT NOT NULL,          -- by the pass that was
	running BIGINT NOT NULL,          -- since then, by one that is not through
	total   BIGINT NOT NULL           -- by all of them
);

-- What is gone of an issue that is over: 1 what relays said of each delivery, 2 its
-- deliveries. Its chunks, which count them, stay, with 0 as their subscribers.
ALTER TABLE issues ADD COLUMN forgotten SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX issues_forgotten ON issues (forgotten, done_at);

-- How many reports about an issue are gone.
CREATE TABLE bounce_totals (
	issue BIGINT NOT NULL,
	kind  TEXT NOT NULL,
	count BIGINT NOT NULL,
	PRIMARY KEY (issue, kind)
){{compact}};

CREATE INDEX subscriptions_left ON subscriptions (updated_at) WHERE state = 'unsubscribed';
