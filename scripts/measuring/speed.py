"""Starts, latency and throughput of three nodes."""
import signal
import statistics
import time

from .cluster import new_cluster, report, start_all, wait


def latency(nodes, commits):
    """One-row commits at low load: from the commit on node 1 to the row on both others."""
    origin, others = nodes[0].connect(), [n.connect() for n in nodes[1:]]
    samples = []
    for i in range(commits):
        origin.execute("INSERT INTO single(id, body) VALUES(?, ?)", (i, "x" * 100))
        started = time.perf_counter()
        for other in others:
            wait(lambda: other.execute("SELECT 1 FROM single WHERE id=?", (i,)).fetchone(), "a row")
        samples.append((time.perf_counter() - started) * 1000)
        time.sleep(0.02)
    samples = samples[len(samples) // 5:]  # the first fifth warms the JVM up
    median, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    report(f"one-row commit to visible on both others, {len(samples)} commits",
           f"median {median:.1f} ms, p99 {p99:.1f} ms", "median <= 15 ms", median <= 15)


def bulk(nodes, rows, label):
    origin, others = nodes[0].connect(), [n.connect() for n in nodes[1:]]
    base = origin.execute("SELECT ifnull(max(id), 0) FROM bulk").fetchone()[0]
    started = time.perf_counter()
    for first in range(0, rows, 1000):
        origin.execute("BEGIN IMMEDIATE")
        origin.executemany("INSERT INTO bulk(id, name, n, body) VALUES(?, ?, ?, ?)",
                           ((base + first + i + 1, f"name {first + i}", i, "y" * 100) for i in range(1000)))
        origin.execute("COMMIT")
    written = time.perf_counter() - started
    for other in others:
        wait(lambda: other.execute("SELECT max(id) FROM bulk").fetchone()[0] == base + rows
             and other.execute("SELECT count(*) FROM bulk").fetchone()[0] == base + rows, "the bulk rows")
    took = time.perf_counter() - started
    report(f"{label}: {rows} rows in transactions of 1,000",
           f"written in {written:.1f} s, equal on all after {took:.1f} s = {rows / took:,.0f} rows/s",
           ">= 10,000 rows/s", rows / took >= 10_000)


def run(home, options, nodes):
    nodes += new_cluster(home, 3)
    for node in nodes:
        db = node.connect()
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE single(id INTEGER PRIMARY KEY, body TEXT)")
        db.execute("CREATE TABLE bulk(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, body TEXT)")
        db.close()
    started = time.perf_counter()
    start_all(nodes)
    took = time.perf_counter() - started
    report("fresh start of three nodes until all are ready", f"{took:.1f} s", "<= 6 s", took <= 6)
    nodes[1].stop(signal.SIGKILL)
    started = time.perf_counter()
    nodes[1].start()
    wait(nodes[1].ready, "the restarted node")
    took = time.perf_counter() - started
    report("warm restart of one node after kill -9", f"{took:.1f} s", "<= 4 s", took <= 4)
    wait(lambda: all(n.ready() for n in nodes), "all nodes")
    latency(nodes, options.commits)
    bulk(nodes, options.rows, "bulk insert, first")
    bulk(nodes, options.rows, "bulk insert, again")
    report("resident memory of the three nodes", ", ".join(f"{n.memory():.0f} MiB" for n in nodes))
