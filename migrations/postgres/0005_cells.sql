-- The cells of an outlet's day as bytes; in rows without them they are in the document.
ALTER TABLE hour_cells ADD COLUMN cells BYTEA;
ALTER TABLE hour_cells ALTER COLUMN cells SET STORAGE EXTERNAL;
