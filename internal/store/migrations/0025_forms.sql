-- What stood in the sign-up forms that the site showed, by the version that the proof of
-- a consent names.
CREATE TABLE forms (
	version  TEXT PRIMARY KEY,
	words    TEXT NOT NULL,
	shown_at BIGINT NOT NULL
){{compact}};
