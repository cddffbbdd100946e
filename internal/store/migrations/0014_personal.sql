-- Whoever reads a newsletter in a feed of their own gets no mail of it.
ALTER TABLE subscriptions ADD COLUMN by_feed SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN feed_hash TEXT NOT NULL DEFAULT ''; -- of the secret in its address, empty: there is none
CREATE UNIQUE INDEX subscriptions_feed ON subscriptions (feed_hash) WHERE feed_hash <> '';
