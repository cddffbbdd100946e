-- Who is shown the same articles, but is left more of them, has another digest.
CREATE TABLE new_digests (
	issue    BIGINT NOT NULL REFERENCES issues (id),
	n        INTEGER NOT NULL,
	language TEXT NOT NULL,
	articles TEXT NOT NULL,           -- JSON: seqs in order
	more     INTEGER NOT NULL,        -- articles left out
	subject  TEXT NOT NULL,
	html     TEXT NOT NULL,
	text     TEXT NOT NULL,
	PRIMARY KEY (issue, n),
	UNIQUE (issue, language, articles, more)
);
INSERT INTO new_digests (issue, n, language, articles, more, subject, html, text)
	SELECT issue, n, language, articles, 0, subject, html, text FROM digests;
DROP TABLE digests;
ALTER TABLE new_digests RENAME TO digests;
