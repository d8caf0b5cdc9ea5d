"""Applications beside the nodes: each writes small transactions, and remembers how long they took."""
import multiprocessing
import signal
import sqlite3
import time

TABLE = "CREATE TABLE app_write(node INTEGER, n INTEGER, body TEXT, PRIMARY KEY(node, n))"


def _write(path, node, first, pause, stop, results):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process says when to stop
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    took, failed, n = [], [], first
    while not stop.is_set():
        started = time.perf_counter()
        try:
            db.execute("INSERT INTO app_write VALUES(?, ?, ?)", (node, n, "x" * 100))
            n += 1
        except sqlite3.Error as e:
            failed.append(str(e))
        took.append(time.perf_counter() - started)
        stop.wait(pause)
    results.put((node, n - first, sorted(took), failed))


class Writers:
    """One process a node; a context, after which `worst`, `count` and `failed` say what happened."""

    def __init__(self, nodes, pause=0.02, first=0):
        self.stop = multiprocessing.Event()
        self.results = multiprocessing.Queue()
        self.processes = [
            multiprocessing.Process(target=_write, args=(n.db, n.number, first, pause, self.stop, self.results))
            for n in nodes]
        self.count, self.worst, self.p99, self.failed = {}, {}, {}, {}

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for _ in self.processes:
            node, count, took, failed = self.results.get()
            self.count[node], self.failed[node] = count, failed
            self.worst[node], self.p99[node] = took[-1], took[int(len(took) * 0.99)]
        for process in self.processes:
            process.join()

    def slowest(self):
        return max(self.worst.values())

    def told(self):
        return "; ".join(
            f"node {n}: {self.count[n]} writes, {len(self.failed[n])} failed, p99 {self.p99[n] * 1000:.0f} ms,"
            f" worst {self.worst[n] * 1000:.0f} ms" for n in sorted(self.count))
