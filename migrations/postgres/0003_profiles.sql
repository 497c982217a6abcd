-- What an outlet's days leave for the rules of spans: read many at once, apart from the days' rows.
CREATE TABLE profiles (
    partition BIGINT NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, outlet, day)
);
ALTER TABLE profiles ALTER COLUMN body SET STORAGE EXTERNAL;
