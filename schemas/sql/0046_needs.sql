-- A database says which programs can't work with it, so that during a rollout an older program runs beside a newer shape, by the
-- rule of docs/upgrade.md: expand, migrate, contract. A program is known by the number of the newest migration that it carries.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.migration ADD COLUMN needs integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN tradetape.migration.needs IS
  'The newest migration that a program has to carry to work with a database that has this one; 0: it only adds.';
