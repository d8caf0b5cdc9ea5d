"""How long replication pauses when the leader of a log falls silent: nobody is told, no connection is closed."""
import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from .cluster import SCRIPTS, Node, report, wait

TARGET = 2.0
CLONE_NEWNET = 0x40000000
NETWORK = "10.77.9"
RAFT, PANE = 8610, 6010
ASK = "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1], timeout=2).read())"


def ip(*words):
    if subprocess.run(["ip", *words], check=False).returncode:
        sys.exit(f"cannot run `ip {' '.join(words)}`: the measurement makes its own network; run it as root, with iproute2")


class CabledNode(Node):
    """A node in a network namespace of its own, with one cable to a bridge."""

    def __init__(self, number, home, bootstrap):
        super().__init__(number, home, f"--bootstrap={bootstrap}", RAFT, PANE, ["--shards=2"])
        self.space, self.plug = f"marmot-{os.getpid()}-{number}", f"plug{number}"
        self.address = f"{NETWORK}.{number}"
        self.command = [word.replace("127.0.0.1:", f"{self.address}:") if word.startswith("--bind=") else word
                        for word in self.command]
        self.command = ["ip", "netns", "exec", self.space, *self.command]
        ip("netns", "add", self.space)
        ip("link", "add", self.plug, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("link", "set", self.plug, "master", "bridge0")
        ip("link", "set", self.plug, "up")
        ip("-n", self.space, "link", "set", "lo", "up")
        ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.space, "link", "set", "eth0", "up")

    def get(self, path):
        """Asked from inside: without a key a pane answers its own machine only."""
        asked = subprocess.run(["ip", "netns", "exec", self.space, sys.executable, "-c", ASK,
                                f"http://127.0.0.1:{PANE}{path}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return asked.stdout if asked.returncode == 0 else None

    def ready(self):
        if self.process.poll() is not None:
            sys.exit(f"node {self.number} ended with code {self.process.returncode}, see {self.home}/marmot.log")
        return self.get("/readyz") is not None

    def leaders(self):
        """By log; 0 is the order log."""
        status = self.get("/api/v1/status")
        return {log.get("log", 0): log.get("leader", 0) for log in json.loads(status)["logs"]} if status else {}

    def silence(self, fault):
        if fault == "process hangs":
            self.process.send_signal(signal.SIGSTOP)
        else:
            ip("link", "set", self.plug, "down")
        if fault == "power off":
            self.stop(signal.SIGKILL)  # behind the cut cable: nobody sees a connection close

    def back(self, fault):
        if fault == "process hangs":
            self.process.send_signal(signal.SIGCONT)
        else:
            ip("link", "set", self.plug, "up")
        if fault == "power off":
            self.start()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.stop(signal.SIGKILL)
        ip("netns", "delete", self.space)


class Traffic:
    """One application writes twenty rows a second, another node's file is watched."""

    def __init__(self, writer, reader, first):
        self.writer, self.reader, self.next = writer, reader, first
        self.stop = threading.Event()
        self.seen = []
        self.threads = [threading.Thread(target=t) for t in (self.write, self.watch)]

    def write(self):
        db = sqlite3.connect(self.writer.db, timeout=30, isolation_level=None)
        while not self.stop.is_set():
            db.execute("INSERT INTO t VALUES(?)", (self.next,))
            self.next += 1
            self.stop.wait(0.05)

    def watch(self):
        db, last = sqlite3.connect(self.reader.db, timeout=30, isolation_level=None), None
        while not self.stop.is_set():
            newest = db.execute("SELECT max(id) FROM t").fetchone()[0]
            if newest != last:
                self.seen.append(time.monotonic())
                last = newest
            self.stop.wait(0.005)

    def longest_gap(self, since):
        times = [t for t in self.seen if t > since - 1] + [time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))


def leader_alone(nodes, log):
    """The leader of a log; where it leads the order log too, that is moved first."""
    leaders = nodes[0].leaders()
    if log and leaders[log] == leaders[0]:
        other = next(n for n in nodes if n.number != leaders[0])
        subprocess.run(["ip", "netns", "exec", other.space, os.path.join(SCRIPTS, "marmot"), "move", "--shard=order",
                        f"--to={other.number}", f"--pane=127.0.0.1:{PANE}"], check=True, stdout=subprocess.DEVNULL)
        wait(lambda: nodes[0].leaders().get(0) == other.number, "the order log to move", pause=0.1)
        leaders = nodes[0].leaders()
    return nodes[leaders[log] - 1]


def measure(nodes, fault, log, first):
    leader = leader_alone(nodes, log)
    writer, reader = (n for n in nodes if n is not leader)
    traffic = Traffic(writer, reader, first)
    for thread in traffic.threads:
        thread.start()
    time.sleep(2)
    started = time.monotonic()
    leader.silence(fault)
    time.sleep(12)
    gap = traffic.longest_gap(started)
    traffic.stop.set()
    for thread in traffic.threads:
        thread.join()
    report(f"{fault}: leader of {'shard 1' if log else 'the order log'}, longest pause", f"{gap:.2f} s",
           f"<= {TARGET} s", gap <= TARGET)
    leader.back(fault)
    wait(lambda: all(n.ready() for n in nodes), "all nodes to be ready", pause=0.1)
    wait(lambda: all(n.connect().execute("SELECT count(*) FROM t").fetchone()[0] == traffic.next for n in nodes),
         "all rows everywhere", pause=0.1)
    return traffic.next


def run(home, options, nodes):
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit(f"cannot make a network: {os.strerror(ctypes.get_errno())}; run it as root")
    ip("link", "set", "lo", "up")
    ip("link", "add", "bridge0", "type", "bridge")
    ip("address", "add", f"{NETWORK}.254/24", "dev", "bridge0")
    ip("link", "set", "bridge0", "up")
    bootstrap = ",".join(f"{n}@{NETWORK}.{n}:{RAFT}" for n in (1, 2, 3))
    cabled = []
    try:
        for number in (1, 2, 3):
            cabled.append(CabledNode(number, os.path.join(home, f"n{number}"), bootstrap))
            db = cabled[-1].connect()
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)")
            db.close()
        for node in cabled:
            node.start()
        wait(lambda: all(n.ready() for n in cabled), "three nodes to be ready", pause=0.1)
        first = 0
        for fault in ("process hangs", "cable cut", "power off"):
            for log in (0, 1):
                first = measure(cabled, fault, log, first)
    finally:
        for node in cabled:
            node.remove()
