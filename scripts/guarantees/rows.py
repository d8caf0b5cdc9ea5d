"""The tables of the checker, and how they are read."""
import sqlite3

from .oracle import ACCOUNTS, OPENING_BALANCE

# Rows of `contested` and `name` are written by all nodes, all others by their origin only.
SCHEMA = """
PRAGMA journal_mode=WAL;
CREATE TABLE tx(origin INTEGER, n INTEGER, uid TEXT NOT NULL, seen TEXT, PRIMARY KEY(origin, n)) WITHOUT ROWID;
CREATE TABLE counter(origin INTEGER PRIMARY KEY, x INTEGER NOT NULL);
CREATE TABLE checking(origin INTEGER, account INTEGER, balance INTEGER NOT NULL, PRIMARY KEY(origin, account));
CREATE TABLE savings(id TEXT PRIMARY KEY, origin INTEGER, account INTEGER, balance INTEGER NOT NULL);
CREATE TABLE slot(origin INTEGER, slot INTEGER, n INTEGER, PRIMARY KEY(origin, slot)) WITHOUT ROWID;
CREATE TABLE part_a(id INTEGER PRIMARY KEY, origin INTEGER, n INTEGER, pad TEXT);
CREATE TABLE part_b(id TEXT PRIMARY KEY, origin INTEGER, n INTEGER, pad BLOB);
CREATE INDEX part_a_n ON part_a(origin, n);
CREATE TABLE contested(k INTEGER PRIMARY KEY, uid TEXT, origin INTEGER, n INTEGER);
CREATE TABLE name(id INTEGER PRIMARY KEY, name TEXT UNIQUE, code INTEGER UNIQUE, uid TEXT, origin INTEGER, n INTEGER);
"""


def create(path, origins):
    """Makes the same file for every node."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(SCHEMA)
    db.execute("BEGIN")
    for o in origins:
        db.execute("INSERT INTO counter VALUES(?, 0)", (o,))
        for i in range(ACCOUNTS):
            db.execute("INSERT INTO checking VALUES(?, ?, ?)", (o, i, OPENING_BALANCE))
            db.execute("INSERT INTO savings VALUES(?, ?, ?, ?)", (f"{o}-{i}", o, i, OPENING_BALANCE))
    db.execute("COMMIT")
    db.close()


def write(path, origin):
    """One transaction of this origin."""
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("UPDATE counter SET x = x + 1 WHERE origin=?", (origin,))
    db.close()


def read_parts(db, origins, count):
    """The rows of each origin as oracle.State.part gives them. With `count` the whole of `tx` too."""
    parts = {}
    for o in origins:
        v = db.execute("SELECT max(n) FROM tx WHERE origin=?", (o,)).fetchone()[0] or 0
        parts[o] = {"v": v, "checking": [], "savings": [], "slots": [], "a": [0, 0, 0], "b": [0, 0, 0],
                    "early": 0}
    if count:
        for o in origins:
            parts[o]["count"] = 0
        for o, number in db.execute("SELECT origin, count(*) FROM tx GROUP BY origin"):
            parts[o]["count"] = number
    for o, x in db.execute("SELECT origin, x FROM counter"):
        parts[o]["x"] = x
    for o, balance in db.execute("SELECT origin, balance FROM checking ORDER BY account"):
        parts[o]["checking"].append(balance)
    for o, balance in db.execute("SELECT origin, balance FROM savings ORDER BY account"):
        parts[o]["savings"].append(balance)
    for o, slot, n in db.execute("SELECT origin, slot, n FROM slot ORDER BY slot"):
        parts[o]["slots"].append([slot, n])
    for table, name in (("part_a", "a"), ("part_b", "b")):
        for o, *sums in db.execute(f"SELECT origin, count(*), sum(n), sum(length(pad)) FROM {table} GROUP BY origin"):
            parts[o][name] = sums
    for table in ("contested", "name"):
        for o, n in db.execute(f"SELECT origin, max(n) FROM {table} GROUP BY origin"):
            parts[o]["early"] = max(parts[o]["early"], n)
    return parts


def read_values(db):
    """The rows that all nodes write."""
    return ([["contested", k, uid] for k, uid in db.execute("SELECT k, uid FROM contested")]
            + [["name", k, uid] for k, uid in db.execute("SELECT id, uid FROM name")])


def read_position(db):
    return db.execute("SELECT position FROM __marmot_state").fetchone()[0]


def read_contents(path):
    """Everything in a file: table -> rows of (storage class, value) pairs."""
    db = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        db.execute("BEGIN")
        tables = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite%'"
            " AND substr(name, 1, 9) <> '__marmot_'")]
        return {table: [tuple((type(v).__name__, v) for v in row)
                        for row in db.execute(f'SELECT * FROM "{table}"')] for table in tables}
    finally:
        db.close()


def integrity(path):
    db = sqlite3.connect(path, timeout=60)
    try:
        return db.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        db.close()
