-- What an outlet's day shows beside other outlets, as last stated; and the last day whose outlets were compared with each other.
CREATE TABLE neighbours (
    outlet TEXT NOT NULL,
    day INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (outlet, day)
) STRICT, WITHOUT ROWID;
ALTER TABLE shards ADD COLUMN neighbours_until INTEGER;
