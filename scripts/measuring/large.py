"""One transaction of very many rows, while every node's application goes on writing."""
import time

from .cluster import new_cluster, report, start_all, wait
from .writers import TABLE, Writers

SCHEMA = """
CREATE TABLE bulk(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, body TEXT);
CREATE INDEX bulk_name ON bulk(name); CREATE INDEX bulk_n ON bulk(n);
CREATE INDEX bulk_both ON bulk(n, name); CREATE INDEX bulk_body ON bulk(body);
"""
INSERT = """INSERT INTO bulk(name, n, body) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)
    SELECT hex(randomblob(10)), random() % 100000, hex(randomblob(50)) FROM c"""


def run(home, options, nodes):
    rows = options.large_rows
    nodes += new_cluster(home, 3)
    for node in nodes:
        db = node.connect()
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(SCHEMA + TABLE)
        db.close()
    start_all(nodes)
    db = nodes[0].connect()
    readers = [n.connect() for n in nodes[1:]]
    with Writers(nodes[1:], 0.2) as writers:
        started = time.perf_counter()
        db.execute(INSERT, (rows,))
        written = time.perf_counter() - started
        for reader in readers:
            wait(lambda: reader.execute("SELECT ifnull(max(id), 0) FROM bulk").fetchone()[0] >= rows
                 and reader.execute("SELECT count(*) FROM bulk").fetchone()[0] == rows, "the large transaction",
                 1800, 0.2)
        took = time.perf_counter() - started
    report(f"one transaction of {rows} rows, four indexes",
           f"written in {written:.1f} s, on all after {took:.1f} s = {rows / took:,.0f} rows/s")
    report("other applications' writes meanwhile", writers.told(), "worst <= 1 s", writers.slowest() <= 1)
    report("peak memory of the three nodes", ", ".join(f"{n.memory('VmHWM'):.0f} MiB" for n in nodes))
