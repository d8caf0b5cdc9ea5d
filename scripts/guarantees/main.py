"""Runs the load, the faults and the readers; judges; reports."""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter

from . import fates, journal, judge, power, rows
from .cluster import Cluster, marmot
from .faults import Faults
from .history import Anomaly, Passed, Snapshot, committed

OPERATIONS = ("transfer", "rows in two tables", "large transaction", "mass delete", "insert again", "delete",
              "key update", "replace", "contested insert", "contested update", "contested delete", "unique insert",
              "unique insert, replacing", "unique update", "unique update, replacing", "unique delete",
              "unique refused")
REASONS = ("OVERWRITTEN", "DELETED", "DISPLACED")
MOST_PRINTED = 40


def options():
    parser = argparse.ArgumentParser(
        prog="check-guarantees", description="Checks Marmot's guarantees on real processes that are killed and"
                                             " paused under load. Exit code 0: no anomaly.")
    parser.add_argument("--minutes", type=float, default=5, help="how long load and faults last (5)")
    parser.add_argument("--seed", type=int, help="of the choices; the schedule of the machine stays random")
    parser.add_argument("--nodes", type=int, default=3, help="at least 3 (3)")
    parser.add_argument("--rate", type=float, default=20, help="transactions, and snapshots, per second and node (20)")
    parser.add_argument("--short", action="store_true", help="only the basic faults, each short")
    parser.add_argument("--power", action="store_true",
                        help="only losses of power, of one node to all; needs a C compiler")
    parser.add_argument("--lying-disk", action="store_true",
                        help="with --power: syncing does nothing, so that anomalies are due")
    parser.add_argument("--dir", help="where files, logs and journals are kept; else they are deleted when all is well")
    return parser.parse_args()


class Run:
    """One run of the checker. Confined to the main thread."""

    def __init__(self, chosen, home):
        self.chosen, self.home = chosen, home
        self.random = random.Random(chosen.seed)
        library = power.compiled(home) if chosen.power else None
        self.cluster = Cluster(home, chosen.nodes, chosen.seed, chosen.rate, library, chosen.lying_disk)
        self.faults = Faults(self.cluster, self.random, chosen.short, chosen.power)
        self.passed = []
        self.anomalies = []

    def play(self):
        cluster = self.cluster
        cluster.start_nodes()
        for index in range(len(cluster.nodes)):
            cluster.start_writer(index)
            cluster.start_reader(index)
        until = time.monotonic() + self.chosen.minutes * 60
        for _ in self.faults.play(until, 0.5 if self.chosen.short else 3):
            self.complain(cluster.failures())
            if self.random.random() < 0.3:
                self.barrier(self.random.choice(cluster.nodes))
            if self.anomalies:
                break
        cluster.finish(cluster.writers, "stop-writing")
        cluster.await_ready(cluster.nodes)
        for node in cluster.nodes:
            called = time.monotonic()
            marmot("barrier", "--timeout=120s", f"--pane=127.0.0.1:{node.pane}")
            self.passed.append(Passed(node.number, called, time.monotonic()))
        time.sleep(0.2)
        cluster.finish(cluster.readers, "stop-reading")
        self.complain(cluster.failures())

    def complain(self, failures):
        self.anomalies += [Anomaly("failed", text) for text in failures]

    def barrier(self, node):
        called = time.monotonic()
        if node.barrier(20):
            self.passed.append(Passed(node.number, called, time.monotonic()))

    def judge(self):
        """Collects what was recorded and judges it; prints the coverage."""
        cluster = self.cluster
        lines = [line for n in cluster.origins for line in journal.read(cluster.path(f"writes-{n}.jsonl"))]
        snapshots = [Snapshot.of(line) for n in cluster.origins for line in journal.read(cluster.path(f"reads-{n}.jsonl"))]
        contents = {node.number: rows.read_contents(node.db) for node in cluster.nodes}
        spines = {n: {(row[0][1], row[1][1]): row[2][1] for row in tables["tx"]} for n, tables in contents.items()}
        history, wrong = committed(cluster.origins, lines, spines)
        self.anomalies += wrong + judge.all_of(history, snapshots, self.passed) + fates.unequal(contents)
        logs = self.conflict_logs()
        self.anomalies += fates.unequal_logs(logs)
        alive = {n: {row[column][1] for table, column in (("contested", 1), ("name", 3)) for row in tables[table]}
                 for n, tables in contents.items()}
        self.anomalies += fates.lost(history, alive, logs) + fates.false_conflicts(history, logs)
        self.settled()
        self.coverage(history, lines, snapshots, logs)

    def conflict_logs(self):
        """The nodes tell each other what they know of conflicts within seconds."""
        end = time.monotonic() + 30
        while True:
            logs = {node.number: [conflict(entry) for entry in node.conflicts()] for node in self.cluster.nodes}
            if not fates.unequal_logs(logs) or time.monotonic() > end:
                return logs
            time.sleep(1)

    def settled(self):
        """At the end nothing is under way, aside or damaged."""
        for node in self.cluster.nodes:
            status = node.get("/api/v1/status")
            for field in ("pendingChanges", "changeSetsInFlight", "heldRows", "parkedRows"):
                if int(status.get(field, 0)) != 0:
                    self.anomalies.append(Anomaly("unsettled", f"node {node.number}: {field} is {status[field]}"))
            integrity = rows.integrity(node.db)
            if integrity != "ok":
                self.anomalies.append(Anomaly("damaged", f"node {node.number}: {integrity}"))

    def coverage(self, history, lines, snapshots, logs):
        txs = [tx for origin in history.origins for tx in history.by_origin[origin]]
        kinds = Counter(kind for tx in txs for kind in tx.kinds)
        reasons = Counter(entry.reason for entries in logs.values() for entry in entries)
        chains = sum(1 for tx in txs if (last := history.get(tx.origin, tx.n - 1)) and any(
            n > last.seen.get(o, 0) for o, n in tx.seen.items()))
        faults = self.faults.coverage(history)
        longest = max((line["took"] for line in lines if line["t"] == "ack"), default=0)
        print(f"transactions committed: {len(txs)}, of them not acknowledged: {sum(tx.acked is None for tx in txs)};"
              f" longest: {longest:.1f} s")
        print(f"transactions that had seen new ones of others: {chains}")
        print(f"snapshots read: {len(snapshots)}; barriers passed: {len(self.passed)}")
        required = dict(faults)
        required |= {"reads": len(snapshots), "chains": chains}
        operations = {kind: kinds[kind] for kind in OPERATIONS}
        conflicts = {reason: reasons[reason] for reason in REASONS}
        for title, counts in (("faults", faults), ("operations", operations), ("conflict log entries", conflicts)):
            print(f"{title}: " + ", ".join(f"{kind} {number}" for kind, number in counts.items()))
        if not self.chosen.short:
            required |= operations | conflicts
        self.anomalies += [Anomaly("not exercised", f"{kind}: run longer") for kind, number in required.items()
                           if number == 0]

    def report(self):
        """Prints the anomalies; the exit code."""
        for anomaly in self.anomalies[:MOST_PRINTED]:
            print(anomaly)
        if self.anomalies:
            counts = Counter(anomaly.kind for anomaly in self.anomalies)
            print(f"{len(self.anomalies)} anomalies: {dict(counts)}; files, logs and journals: {self.home};"
                  f" seed {self.chosen.seed}")
            print("faults: " + "; ".join(f"{at:.3f} {text}" for at, text in self.faults.log[-20:]))
            return 1
        print("no anomaly")
        return 0


def conflict(entry):
    """An entry of the conflict log as the judge wants it."""
    uid = next((v["value"] for v in entry.get("losing", ()) if v["column"] == "uid"), "?")
    return fates.Conflict(entry["table"], uid, entry.get("winningOrigin", 0), entry["reason"],
                          entry.get("losingOrigin", 0), int(entry.get("position", 0)))


def main():
    chosen = options()
    if chosen.nodes < 3:
        sys.exit(f"cannot check {chosen.nodes} nodes: orders of others show from three on; give --nodes 3 or more")
    chosen.seed = random.randrange(10**6) if chosen.seed is None else chosen.seed
    home = os.path.abspath(chosen.dir) if chosen.dir else tempfile.mkdtemp(prefix="marmot-guarantees-")
    print(f"seed {chosen.seed}, {chosen.nodes} nodes, {chosen.minutes:g} minutes", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no process is left behind
    marmot("--version")
    run = Run(chosen, home)
    try:
        for step in (run.play, run.judge):  # what was recorded is judged also when the end was not reached
            try:
                step()
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                run.anomalies.append(Anomaly("stuck", str(e)))
    finally:
        run.cluster.kill_all()
    code = run.report()
    if code == 0 and not chosen.dir:
        shutil.rmtree(home)
    return code
