-- By which gateway a logger was last heard: the survey compares the loggers of all shards by it. Written when it changes.
ALTER TABLE loggers ADD COLUMN gateway TEXT COLLATE "C" NOT NULL DEFAULT '';

-- A step of a case names the case and not its shard.
CREATE INDEX cases_id ON cases (id);
