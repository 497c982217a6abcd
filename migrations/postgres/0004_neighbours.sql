-- What an outlet's day shows beside other outlets, as last stated; and the last day whose outlets were compared with each other.
CREATE TABLE neighbours (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, outlet, day)
);
ALTER TABLE neighbours ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE shards ADD COLUMN neighbours_until BIGINT;
