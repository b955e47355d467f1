-- How far a sweep that takes many runs has come.
CREATE TABLE sweep (name TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
