-- Reports about nobody are counted before another is kept: anybody can send them.
CREATE INDEX bounces_nobody ON bounces (at) WHERE hash = '';
