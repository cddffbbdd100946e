-- When a source elsewhere is to be asked again; 0: it has no schedule.
ALTER TABLE sources ADD COLUMN due BIGINT NOT NULL DEFAULT 0;

-- What a source already had when it was added: in feeds and on pages, but news to no
-- newsletter.
ALTER TABLE articles ADD COLUMN backlog SMALLINT NOT NULL DEFAULT 0;
