-- An alert is written anew with each sign of its fault, as is the condition: with room on their pages the
-- indexes need not know of it.
ALTER TABLE alert SET (fillfactor = 50);
ALTER TABLE alert_condition SET (fillfactor = 50);
