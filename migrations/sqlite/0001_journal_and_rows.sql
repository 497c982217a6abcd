-- The journal is the truth; every other table can be rebuilt from it.
-- Wire text never stands in a TEXT column: what a logger sent is bytes.

-- Fencing: a process writes only while the epoch it raised is still the row's.
CREATE TABLE shards (
    partition INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    engine_time INTEGER NOT NULL
) STRICT;

-- Loggers that have a chain; id is the number used in blocks and keys.
CREATE TABLE loggers (
    id INTEGER PRIMARY KEY,
    mn BLOB NOT NULL UNIQUE,
    head BLOB NOT NULL
) STRICT;

-- One row per committed batch: entries under zstd 1; `loggers` says whose entries they are and the chain heads before.
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    loggers BLOB NOT NULL,
    entries BLOB NOT NULL
) STRICT;

CREATE INDEX blocks_first_at ON blocks (first_at);

-- One row per logger and hour of arrival: key = hour << 32 | logger id (0: entries of no logger).
CREATE TABLE sealed (
    key INTEGER PRIMARY KEY,
    before BLOB NOT NULL,
    entries BLOB NOT NULL
) STRICT;

-- Packets about another day than that of their arrival.
CREATE TABLE late (
    logger INTEGER NOT NULL,
    day INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    PRIMARY KEY (logger, day, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    sequence INTEGER PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT;

-- Registers and rule sets, so that a restart need not search the journal for them.
CREATE TABLE versions (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE hour_cells (
    outlet TEXT NOT NULL,
    day INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    row BLOB NOT NULL,
    PRIMARY KEY (outlet, day)
) STRICT;
CREATE INDEX hour_cells_open ON hour_cells (day) WHERE confirmed = 0;

CREATE TABLE reopened (
    outlet TEXT NOT NULL,
    day INTEGER NOT NULL,
    first INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (outlet, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE recounts (
    outlet TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL,
    last INTEGER NOT NULL,
    depth TEXT NOT NULL,
    due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Declarations and comparison results as last stated; what they said before stands in the journal.
CREATE TABLE statements (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

-- A later revision never erases an earlier one.
CREATE TABLE means (
    outlet TEXT NOT NULL,
    start INTEGER NOT NULL,
    span TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (outlet, start, span, revision)
) STRICT;

CREATE TABLE findings (
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    outlet TEXT NOT NULL,
    day INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id, revision)
) STRICT;

CREATE TABLE cases (
    id BLOB PRIMARY KEY,
    outlet TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE case_events (
    id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id, sequence)
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
