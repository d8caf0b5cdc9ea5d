"""Endless load with a short Raft log: disk use stays flat, and a node that was away comes back equal."""
import os
import time

from .cluster import new_cluster, report, start_all, wait
from .writers import TABLE, Writers


def used(*paths):
    """MiB that these files and folders take."""
    total = 0
    for path in paths:
        files = [os.path.join(at, name) for at, _, names in os.walk(path) for name in names] or [path]
        for file in files:
            try:
                total += os.stat(file).st_blocks * 512
            except FileNotFoundError:
                pass  # a log segment that was purged meanwhile
    return total / (1 << 20)


def change_log(node):
    return node.connect().execute("SELECT count(*) FROM __marmot_change_log").fetchone()[0]


def run(home, options, nodes):
    nodes += new_cluster(home, 3, ["--max-log-entries=1024"])
    for node in nodes:
        db = node.connect()
        db.execute("PRAGMA journal_mode=WAL")
        # The rows stay about as many: each write replaces an old one, so that the database itself is flat.
        db.executescript(TABLE + "; CREATE TRIGGER keep AFTER INSERT ON app_write BEGIN"
                                 " DELETE FROM app_write WHERE node=NEW.node AND n<=NEW.n-5000; END")
        db.close()
    start_all(nodes)
    seconds = options.minutes * 60
    away, back = 0.1 * seconds, 0.9 * seconds
    samples = []
    with Writers(nodes, 0.05) as writers:
        started = time.monotonic()
        gone = returned = False
        while time.monotonic() - started < seconds:
            at = time.monotonic() - started
            if not gone and at > away:
                nodes[2].stop()
                gone = True
            if not returned and at > back:
                nodes[2].start()
                returned = True
            samples.append((at, [used(n.raft) for n in nodes], [used(n.db, n.db + "-wal") for n in nodes],
                            change_log(nodes[0])))
            time.sleep(seconds / 60)
    for at, raft, files, log in samples[::6]:
        print(f"  {at:5.0f} s  raft {', '.join(f'{x:.1f}' for x in raft)} MiB  files"
              f" {', '.join(f'{x:.1f}' for x in files)} MiB  change log {log} rows", flush=True)
    started = time.monotonic()
    wait(nodes[2].ready, "the node that was away", 600, 0.02)
    totals = {n: c for n, c in writers.count.items()}
    ends = [f"SELECT max(n) FROM app_write WHERE node={n}" for n in totals]
    for node in nodes:
        db = node.connect()
        wait(lambda: [db.execute(sql).fetchone()[0] + 1 for sql in ends] == list(totals.values()), "all rows", 600, 0.05)
    took = time.monotonic() - started
    contents = {n.connect().execute(
        "SELECT count(*), group_concat(node||' '||n||' '||body) FROM (SELECT * FROM app_write ORDER BY node, n)").fetchone()
        for n in nodes}
    report("the nodes after it", f"{'equal' if len(contents) == 1 else 'DIFFERENT'}, {took:.1f} s after the load's end",
           "equal", len(contents) == 1)
    third = len(samples) // 3
    # The node that is away keeps its own file's change log; the others are those that must stay flat.
    worst = max(max(s[1][i] for s in samples[-third:]) / max(s[1][i] for s in samples[third:2 * third]) for i in (0, 1))
    report(f"Raft logs, {options.minutes:g} minutes: last third to middle third", f"{worst:.2f}", "<= 1.25", worst <= 1.25)
    report("applications' writes", writers.told())
