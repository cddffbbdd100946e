-- Times are UTC milliseconds (0: none), flags 0 or 1, JSON is TEXT.

CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value {{blob}} NOT NULL
);

CREATE TABLE secrets (
	version    INTEGER PRIMARY KEY,
	secret     {{blob}} NOT NULL,
	created_at BIGINT NOT NULL
);

-- ref and seq number articles; articles_version moves whenever something public changed.
CREATE TABLE counters (
	name  TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('ref', 0), ('seq', 0), ('articles_version', 0);

-- ------------------------------------------------------------------ articles

CREATE TABLE sources (
	name       TEXT PRIMARY KEY,
	state      {{blob}},
	checked_at BIGINT NOT NULL DEFAULT 0,
	failed_at  BIGINT NOT NULL DEFAULT 0,
	error      TEXT NOT NULL DEFAULT '',
	held       TEXT NOT NULL DEFAULT '',
	held_count INTEGER NOT NULL DEFAULT 0,
	accepted   SMALLINT NOT NULL DEFAULT 0
);

CREATE TABLE articles (
	ref        BIGINT {{key}},
	id         TEXT NOT NULL UNIQUE,
	source     TEXT NOT NULL,
	source_key TEXT NOT NULL,
	file       TEXT NOT NULL,
	revision   INTEGER NOT NULL,
	seq        BIGINT NOT NULL,       -- 0: never was public
	state      TEXT NOT NULL,         -- public, draft, scheduled, unpublished
	slug       TEXT NOT NULL UNIQUE,
	permalink  TEXT NOT NULL,
	title      TEXT NOT NULL,
	summary    TEXT NOT NULL,
	language   TEXT NOT NULL,
	section    TEXT NOT NULL,
	meta       TEXT NOT NULL,         -- JSON: authors, tags, image, enclosures, aliases
	published  BIGINT NOT NULL,
	updated    BIGINT NOT NULL,
	format     TEXT NOT NULL,
	hash       {{blob}} NOT NULL,     -- of what the source gave
	body_hash  BIGINT NOT NULL,       -- to recognise moves; 0: empty body
	UNIQUE (source, source_key)
);
CREATE UNIQUE INDEX articles_seq ON articles (seq) WHERE seq > 0;
CREATE INDEX articles_public ON articles (published DESC, seq DESC, language) WHERE state = 'public';
CREATE INDEX articles_scheduled ON articles (published) WHERE state = 'scheduled';
CREATE INDEX articles_unpublished ON articles (source) WHERE state = 'unpublished';
CREATE INDEX articles_permalink ON articles (permalink) WHERE permalink <> '';
CREATE INDEX articles_file ON articles (source, file) WHERE file <> source_key;
CREATE INDEX articles_body ON articles (body_hash) WHERE body_hash <> 0;

-- Apart, so that listings without bodies read few pages.
CREATE TABLE article_bodies (
	ref  BIGINT {{key}},
	body TEXT NOT NULL
);

-- Of public articles only. A section stands under each of its ancestors.
CREATE TABLE article_labels (
	kind  TEXT NOT NULL,              -- t(ag), a(uthor), s(ection)
	label TEXT NOT NULL,              -- lower case
	ref   BIGINT NOT NULL,            -- not the date: new rows of a label stand together
	name  TEXT NOT NULL,
	PRIMARY KEY (kind, label, ref)
){{compact}};

CREATE TABLE aliases (
	path TEXT PRIMARY KEY,
	ref  BIGINT NOT NULL
);
CREATE INDEX aliases_ref ON aliases (ref);

-- ------------------------------------------------------- newsletters, issues

CREATE TABLE tracks (
	newsletter  TEXT NOT NULL,
	rehearsal   SMALLINT NOT NULL,
	horizon     BIGINT NOT NULL,
	last_number INTEGER NOT NULL,
	since       BIGINT NOT NULL,
	PRIMARY KEY (newsletter, rehearsal)
);

CREATE TABLE occurrences (
	newsletter  TEXT NOT NULL,
	rehearsal   SMALLINT NOT NULL,
	local       TEXT NOT NULL,        -- 2006-01-02T15:04
	at          BIGINT NOT NULL,
	outcome     TEXT NOT NULL,
	note        TEXT NOT NULL,
	issue       BIGINT NOT NULL,      -- 0: none
	recorded_at BIGINT NOT NULL,
	PRIMARY KEY (newsletter, rehearsal, local)
);

-- Content-addressed: templates and articles as they were.
CREATE TABLE frozen (
	hash    TEXT PRIMARY KEY,
	content TEXT NOT NULL
);

CREATE TABLE issues (
	id           {{id}},
	newsletter   TEXT NOT NULL,
	rehearsal    SMALLINT NOT NULL,
	number       INTEGER NOT NULL,
	state        TEXT NOT NULL,
	reason       TEXT NOT NULL,
	hash         TEXT NOT NULL,
	horizon      BIGINT NOT NULL,
	old_horizon  BIGINT NOT NULL,     -- of the track, before this issue was sealed
	subject      TEXT NOT NULL,
	sealed       SMALLINT NOT NULL,
	watermark    BIGINT NOT NULL,
	recipients   INTEGER NOT NULL,
	due          TEXT NOT NULL,
	created_at   BIGINT NOT NULL,
	sealed_at    BIGINT NOT NULL,
	progress_at  BIGINT NOT NULL,
	done_at      BIGINT NOT NULL,
	time_zone    TEXT NOT NULL,
	settings     TEXT NOT NULL,       -- JSON: what is frozen, without the templates
	templates    TEXT NOT NULL,       -- hash in frozen
	UNIQUE (newsletter, rehearsal, number)
);
CREATE INDEX issues_open ON issues (newsletter) WHERE state <> 'sent' AND state <> 'cancelled';

CREATE TABLE issue_articles (
	issue BIGINT NOT NULL REFERENCES issues (id),
	n     INTEGER NOT NULL,
	seq   BIGINT NOT NULL,
	hash  TEXT NOT NULL,              -- in frozen
	PRIMARY KEY (issue, n),
	UNIQUE (issue, seq)
);

CREATE TABLE digests (
	issue    BIGINT NOT NULL REFERENCES issues (id),
	n        INTEGER NOT NULL,
	language TEXT NOT NULL,
	articles TEXT NOT NULL,           -- JSON: seqs in order
	subject  TEXT NOT NULL,
	html     TEXT NOT NULL,
	text     TEXT NOT NULL,
	PRIMARY KEY (issue, n),
	UNIQUE (issue, language, articles)
);

-- ------------------------------------------------------------------ delivery

CREATE TABLE chunks (
	id               {{id}},
	kind             SMALLINT NOT NULL,   -- 0 issue, 1 confirmation, 2 test
	issue            BIGINT REFERENCES issues (id),
	grp              TEXT NOT NULL,       -- recipient-domain group, empty: small domains
	first_subscriber BIGINT NOT NULL,
	last_subscriber  BIGINT NOT NULL,
	due_at           BIGINT NOT NULL,     -- the earliest due_at of its pending rows
	owner            TEXT NOT NULL,       -- empty: free
	expires_at       BIGINT NOT NULL,
	fence            BIGINT NOT NULL,     -- raised by each lease
	closed           SMALLINT NOT NULL,
	progress_at      BIGINT NOT NULL
);
CREATE INDEX chunks_issue ON chunks (issue, closed);
CREATE INDEX chunks_due ON chunks (due_at) WHERE closed = 0 AND owner = '';
CREATE INDEX chunks_leased ON chunks (expires_at) WHERE closed = 0 AND owner <> '';

CREATE TABLE deliveries (
	chunk      BIGINT NOT NULL,
	n          INTEGER NOT NULL,
	subscriber BIGINT NOT NULL,
	digest     INTEGER NOT NULL,
	state      SMALLINT NOT NULL DEFAULT 0,
	attempts   SMALLINT NOT NULL DEFAULT 0,
	first_try  BIGINT NOT NULL DEFAULT 0,
	due_at     BIGINT NOT NULL DEFAULT 0, -- 0: at once
	settled_at BIGINT NOT NULL DEFAULT 0,
	old_cursor BIGINT NOT NULL,
	reply_code SMALLINT,
	reply      TEXT,
	PRIMARY KEY (chunk, n)
){{bigtable}};

CREATE TABLE relays (
	name         TEXT PRIMARY KEY,
	paused_until BIGINT NOT NULL,
	reason       TEXT NOT NULL
);

CREATE TABLE buckets (
	name        TEXT PRIMARY KEY,
	tokens      DOUBLE PRECISION NOT NULL,
	refilled_at BIGINT NOT NULL
);

-- --------------------------------------------------------------- subscribers

CREATE TABLE subscribers (
	id         {{id}},
	email      TEXT NOT NULL,
	hash       TEXT NOT NULL UNIQUE,      -- keyed, of the lower-case address
	name       TEXT NOT NULL,
	domain     TEXT NOT NULL,             -- recipient-domain group
	created_at BIGINT NOT NULL
);

CREATE TABLE subscriptions (
	newsletter       TEXT NOT NULL,
	subscriber       BIGINT NOT NULL REFERENCES subscribers (id),
	state            TEXT NOT NULL,
	suppressed       SMALLINT NOT NULL,   -- as suppressions says, kept beside for the audience
	language         TEXT NOT NULL,
	time_zone        TEXT NOT NULL,
	topics           TEXT NOT NULL,
	cadence          TEXT NOT NULL,
	hour             SMALLINT NOT NULL,
	max_items        INTEGER NOT NULL,
	paused_till      BIGINT NOT NULL,
	cursor           BIGINT NOT NULL,
	rehearsal_cursor BIGINT NOT NULL,
	consent_at       BIGINT NOT NULL,
	source           TEXT NOT NULL,
	proof            TEXT NOT NULL,
	left_at          BIGINT NOT NULL DEFAULT 0,
	left_by          TEXT NOT NULL DEFAULT '', -- where the leave came from
	set_by_owner     TEXT NOT NULL,       -- JSON: names of the fields
	file_line        TEXT,                -- JSON: the cells of the operator's list when last seen
	created_at       BIGINT NOT NULL,
	updated_at       BIGINT NOT NULL,
	PRIMARY KEY (newsletter, subscriber)
){{bigtable}};
CREATE INDEX subscriptions_subscriber ON subscriptions (subscriber);

-- Addresses that a file must not bring back; newsletter '' means every one.
CREATE TABLE tombstones (
	hash       TEXT NOT NULL,
	newsletter TEXT NOT NULL,
	cause      TEXT NOT NULL,             -- removed, changed, erased
	at         BIGINT NOT NULL,
	PRIMARY KEY (hash, newsletter)
);

-- The lists as last synced, so that an unchanged one costs nothing.
CREATE TABLE lists (
	newsletter TEXT PRIMARY KEY,
	hash       TEXT NOT NULL,
	refused    INTEGER NOT NULL
);

CREATE TABLE suppressions (
	hash  TEXT PRIMARY KEY,
	cause TEXT NOT NULL,
	issue BIGINT NOT NULL,                -- that led to it, 0: none
	note  TEXT NOT NULL,
	at    BIGINT NOT NULL,
	held  SMALLINT NOT NULL               -- 1: caused by an issue that the breaker stopped, to be reviewed
);
CREATE INDEX suppressions_issue ON suppressions (issue) WHERE issue > 0;
