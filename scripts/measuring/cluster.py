"""Nodes on loopback, started as `scripts/marmot run` does."""
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request

from guarantees.cluster import free_ports

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Node:
    def __init__(self, number, home, membership, raft_port, pane, more=()):
        self.number, self.home, self.pane = number, home, pane
        self.raft_port = raft_port
        self.db = os.path.join(home, "app.db")
        self.raft = os.path.join(home, "raft")
        os.makedirs(home, exist_ok=True)
        self.command = [
            os.path.join(SCRIPTS, "marmot"), "run", f"--node-id={number}", f"--db-path={self.db}",
            f"--raft-path={self.raft}", f"--bind=127.0.0.1:{raft_port}",
            f"--bind-pane=127.0.0.1:{pane}", membership, *more]
        self.process = None

    def start(self):
        with open(os.path.join(self.home, "marmot.log"), "ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out)

    def ready(self):
        if self.process.poll() is not None:
            sys.exit(f"node {self.number} ended with code {self.process.returncode}, see {self.home}/marmot.log")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.pane}/readyz", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def connect(self):
        return sqlite3.connect(self.db, timeout=60, isolation_level=None)

    def memory(self, what="VmRSS"):
        """MiB: VmRSS now, VmHWM at most."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait()


def new_cluster(home, count, more=()):
    ports = free_ports(2 * count)
    bootstrap = ",".join(f"{i + 1}@127.0.0.1:{ports[i]}" for i in range(count))
    return [Node(i + 1, os.path.join(home, f"n{i + 1}"), f"--bootstrap={bootstrap}", ports[i], ports[count + i], more)
            for i in range(count)]


def start_all(nodes, limit=120):
    for node in nodes:
        node.start()
    wait(lambda: all(n.ready() for n in nodes), f"{len(nodes)} nodes to be ready", limit)


def wait(condition, what, limit=120, pause=0.0005):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"gave up after {limit} s waiting for {what}")
        time.sleep(pause)


def report(what, value, target=None, good=True):
    verdict = "" if target is None else f"   target {target}: {'met' if good else 'MISSED'}"
    print(f"{what:<58} {value}{verdict}", flush=True)
