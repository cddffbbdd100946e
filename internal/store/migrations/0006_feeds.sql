-- The version of the articles when this one changed last, so that a build looks
-- only at what is new to it.
ALTER TABLE articles ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX articles_changed ON articles (changed);

-- What is given to a feed once, and kept when it vanishes: its place and its id.
CREATE TABLE feeds (
	path    TEXT PRIMARY KEY,         -- its folder, empty: the site's
	kind    TEXT NOT NULL,
	label   TEXT NOT NULL,            -- lower case
	id      TEXT NOT NULL,
	gone_at BIGINT NOT NULL,          -- 0: it stands
	pages   TEXT NOT NULL,            -- JSON: the highest seq of each page of its archive
	UNIQUE (kind, label)
);
