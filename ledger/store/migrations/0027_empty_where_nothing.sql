-- Nearly every entry takes effect when it is booked, and leaves nothing held and nothing owed. That is left empty, which is
-- 24 of 190 bytes of an entry that is kept for ever. Rows from before have it written out, which says the same.
alter table entries
  alter column effective_at drop not null,
  alter column held_after_microcredits drop not null,
  alter column debt_after_microcredits drop not null;
