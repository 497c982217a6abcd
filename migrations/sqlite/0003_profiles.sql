-- What an outlet's days leave for the rules of spans: read many at once, so they lie beside each other and apart from the days' rows.
CREATE TABLE profiles (
    outlet TEXT NOT NULL,
    day INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (outlet, day)
) STRICT, WITHOUT ROWID;
