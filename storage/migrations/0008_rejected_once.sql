-- A message that can't be read has no number to know it by when it is delivered again: what it says
-- and where it came from must do.
DELETE FROM rejected_message AS again
USING rejected_message AS kept
WHERE again.id > kept.id AND again.source = kept.source AND again.body = kept.body;

CREATE UNIQUE INDEX rejected_message_once ON rejected_message (source, sha256(body));
