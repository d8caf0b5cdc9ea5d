"""A node without a file joins a cluster with a large database under load."""
import os
import shutil
import subprocess
import time

from .cluster import Node, free_ports, new_cluster, report, start_all, wait
from .writers import TABLE, Writers


def fill(node, mib):
    """A database of about so many MiB: rows of 1 KiB of hardly compressible text, one index."""
    db = node.connect()
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(TABLE + "; CREATE TABLE doc(id INTEGER PRIMARY KEY, name TEXT, body BLOB);"
                             "CREATE INDEX doc_name ON doc(name)")
    for _ in range(mib // 16):
        db.execute("INSERT INTO doc(name, body) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
                   " WHERE i < 16000) SELECT hex(randomblob(12)), hex(randomblob(490)) FROM c")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def copied(source, home):
    """Seconds that `.backup` and a copy of its result take, written to the disk."""
    one, two = os.path.join(home, "backup.db"), os.path.join(home, "copy.db")
    started = time.perf_counter()
    subprocess.run(["sqlite3", source, f".backup {one}"], check=True)
    shutil.copyfile(one, two)
    for path in (one, two):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    took = time.perf_counter() - started
    os.remove(one)
    os.remove(two)
    return took


def run(home, options, nodes):
    nodes += new_cluster(home, 2)
    fill(nodes[0], options.mib)
    shutil.copyfile(nodes[0].db, nodes[1].db)
    start_all(nodes, 600)
    size = os.path.getsize(nodes[0].db) / (1 << 20)
    base = copied(nodes[0].db, home)
    raft, pane = free_ports(2)
    joiner = Node(3, os.path.join(home, "n3"), f"--join=127.0.0.1:{nodes[0].raft_port}", raft, pane)
    with Writers(nodes, 0.1) as writers:
        time.sleep(5)  # some load before
        nodes.append(joiner)
        started = time.perf_counter()
        joiner.start()
        wait(joiner.ready, "the new node", 1800, 0.02)
        took = time.perf_counter() - started
    expected = sum(writers.count.values())
    db = joiner.connect()
    wait(lambda: db.execute("SELECT count(*) FROM app_write").fetchone()[0] == expected, "the rows written meanwhile")
    rows = [n.connect().execute("SELECT count(*), sum(length(body)), max(id) FROM doc").fetchone() for n in nodes]
    if len(set(rows)) != 1:
        raise SystemExit(f"the nodes differ: {rows}")
    report(f"join of a node without a file, {size:.0f} MiB, under load",
           f"ready after {took:.1f} s; .backup and a copy take {base:.1f} s; ratio {took / base:.2f}", "<= 3", took <= 3 * base)
    report("applications' writes meanwhile", writers.told(), "worst <= 1 s", writers.slowest() <= 1)
    report("peak memory", ", ".join(f"node {n.number} {n.memory('VmHWM'):.0f} MiB" for n in nodes))
