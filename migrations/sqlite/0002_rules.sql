-- What a day hands to the next: runs, medians, tallies. Beside the row, because the next day reads it alone.
ALTER TABLE hour_cells ADD COLUMN carry BLOB;

-- Loggers that are silent.
CREATE TABLE silences (
    mn BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Outages of the receiver, of regions, of what a contractor maintains, of gateways.
CREATE TABLE outages (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    began INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (scope, name, began)
) STRICT;
