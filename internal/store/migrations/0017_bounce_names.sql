-- Who is named in a message that was not understood, as keyed hashes: it goes when one of
-- them is erased. Of messages kept before nobody knows, and so they go now.
DELETE FROM bounce_messages;
CREATE TABLE bounce_names (
	hash   TEXT NOT NULL,
	bounce BIGINT NOT NULL REFERENCES bounce_messages (bounce) ON DELETE CASCADE,
	PRIMARY KEY (hash, bounce)
);
CREATE INDEX bounce_names_bounce ON bounce_names (bounce);
