-- Confirmations and test copies come before issues.
DROP INDEX chunks_due;
CREATE INDEX chunks_due ON chunks (kind DESC, due_at, id) WHERE closed = 0 AND owner = '';
