-- What kind of fault a case is, where somebody has said so; null: what it is by itself.
ALTER TABLE ticket
    ADD COLUMN handling text CHECK (handling IN ('operator', 'maintenance', 'replacement')),
    ADD COLUMN grade    text CHECK (grade IN ('ordinary', 'major'));

-- When a letter was first tried, by the wall's clock: a receiver that asks to wait is waited for, not for ever.
ALTER TABLE delivery ADD COLUMN tried_since timestamptz;
