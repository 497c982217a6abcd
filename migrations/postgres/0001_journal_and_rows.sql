-- The journal is the truth; every other table can be rebuilt from it. PostgreSQL 15 or newer.
-- Wire text never stands in a TEXT column, which would refuse U+0000 and with it the whole commit: what a logger or a stranger
-- sent is BYTEA. TEXT holds words of the program and names of the register, which are free of U+0000; compared byte by byte.
-- Several shards share a database: every row says whose it is, and `partition` leads every key.

-- Fencing: a process writes a shard only while the epoch it raised is still the row's. `commits` counts the commits, so that one
-- whose outcome was lost with its connection can be told from one that never came: it is the row's count that has moved, or not.
CREATE TABLE shards (
    partition BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    commits BIGINT NOT NULL,
    engine_time BIGINT NOT NULL
) WITH (fillfactor = 10);

-- Loggers that have a chain; id is the number used in blocks and keys.
CREATE TABLE loggers (
    partition BIGINT NOT NULL,
    id BIGINT NOT NULL,
    mn BYTEA NOT NULL,
    head BYTEA NOT NULL,
    PRIMARY KEY (partition, id),
    UNIQUE (partition, mn)
);

-- One row per committed batch: entries under zstd 1; `loggers` says whose entries they are and the chain heads before.
CREATE TABLE blocks (
    partition BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    loggers BYTEA NOT NULL,
    entries BYTEA NOT NULL,
    PRIMARY KEY (partition, first)
);
CREATE INDEX blocks_first_at ON blocks (partition, first_at);

-- One row per logger and hour of arrival (logger 0: entries of no logger). Cut by month, by `hour`; the program makes the months.
CREATE TABLE sealed (
    partition BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    logger BIGINT NOT NULL,
    before BYTEA NOT NULL,
    entries BYTEA NOT NULL,
    PRIMARY KEY (partition, hour, logger)
) PARTITION BY RANGE (hour);

-- Packets about another day than that of their arrival.
CREATE TABLE late (
    partition BIGINT NOT NULL,
    logger BIGINT NOT NULL,
    day BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    PRIMARY KEY (partition, logger, day, sequence)
);

CREATE TABLE quarantine (
    partition BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, sequence)
);

-- Registers and rule sets, so that a restart need not search the journal for them.
CREATE TABLE versions (
    partition BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (partition, sequence)
);

-- `carry` is what a day hands to the next: beside the row, because the next day reads it alone.
CREATE TABLE hour_cells (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    body BYTEA NOT NULL,
    carry BYTEA,
    PRIMARY KEY (partition, outlet, day)
);
CREATE INDEX hour_cells_open ON hour_cells (partition, day) WHERE NOT confirmed;

CREATE TABLE reopened (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    first BIGINT NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (partition, outlet, day)
);

CREATE TABLE recounts (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    next BIGINT NOT NULL,
    last BIGINT NOT NULL,
    depth TEXT COLLATE "C" NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (partition, outlet)
);

-- Declarations and comparison results as last stated; what they said before stands in the journal.
CREATE TABLE statements (
    partition BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, kind, key)
);

-- Loggers that are silent.
CREATE TABLE silences (
    partition BIGINT NOT NULL,
    mn BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, mn)
);

-- Outages of the receiver, of regions, of what a contractor maintains, of gateways.
CREATE TABLE outages (
    partition BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    name BYTEA NOT NULL,
    began BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, scope, name, began)
);

-- A later revision never erases an earlier one. Cut by month, by `start`.
CREATE TABLE means (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    start BIGINT NOT NULL,
    span TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, outlet, start, span, revision)
) PARTITION BY RANGE (start);

-- The day belongs to the finding's id. Cut by month, by `day`.
CREATE TABLE findings (
    partition BIGINT NOT NULL,
    id BYTEA NOT NULL,
    revision BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, id, revision, day)
) PARTITION BY RANGE (day);

CREATE TABLE cases (
    partition BIGINT NOT NULL,
    id BYTEA NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, id)
);

CREATE TABLE case_events (
    partition BIGINT NOT NULL,
    id BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, id, sequence)
);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    partition BIGINT NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    key BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, id)
);

-- These are compressed already: the server need not try.
ALTER TABLE blocks ALTER COLUMN entries SET STORAGE EXTERNAL;
ALTER TABLE sealed ALTER COLUMN entries SET STORAGE EXTERNAL;
ALTER TABLE hour_cells ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE hour_cells ALTER COLUMN carry SET STORAGE EXTERNAL;
ALTER TABLE means ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE findings ALTER COLUMN body SET STORAGE EXTERNAL;
