-- How often links of an issue were followed and its mails opened, of all readers
-- together: nothing here says who.
CREATE TABLE counts (
	issue   BIGINT NOT NULL,
	link    BIGINT NOT NULL,              -- seq of the article, 0: the image that tells of opens
	visitor TEXT NOT NULL,                -- person, or what kind of machine
	n       BIGINT NOT NULL,
	PRIMARY KEY (issue, link, visitor)
){{compact}};
