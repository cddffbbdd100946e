-- How many reports came back of each kind, ever.
CREATE TABLE report_counts (
	kind  TEXT PRIMARY KEY,
	count BIGINT NOT NULL
);
INSERT INTO report_counts (kind, count)
	SELECT kind, sum(n) FROM (SELECT kind, 1 AS n FROM bounces UNION ALL SELECT kind, count FROM bounce_totals) c GROUP BY kind;

-- To whom a letter goes that strangers can cause, by keyed hash of the address without its
-- tag: ann+1@example.org and ann+2@example.org are one mailbox. For counting only; empty: not counted so.
ALTER TABLE letters ADD COLUMN mailbox TEXT NOT NULL DEFAULT '';
CREATE INDEX letters_mailbox ON letters (mailbox, created_at) WHERE mailbox <> '';
