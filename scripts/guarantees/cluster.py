"""The nodes and their applications, as real processes on this machine."""
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from . import power, rows

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAUNCHER = os.path.join(SCRIPTS, "marmot")


def wait(condition, what, limit):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"gave up after {limit} s waiting for {what}")
        time.sleep(0.05)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Application:
    """A Python process beside a node; can be started again. Confined to the main thread."""

    def __init__(self, name, log, server):
        self.name, self.log, self.server, self.process = name, log, server, None

    def start(self, module, *arguments):
        environment = self.server.environment(PYTHONPATH=SCRIPTS, PYTHONDONTWRITEBYTECODE="1")
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([sys.executable, "-m", f"guarantees.{module}", *map(str, arguments)],
                                            stdout=out, stderr=out, env=environment)

    def check(self):
        """Applications must not fail: an error that they get is an anomaly."""
        code = self.process.poll() if self.process is not None else None
        if code not in (None, 0):
            with open(self.log, encoding="utf-8") as log:
                return f"{self.name} ended with code {code}: {log.read()[-800:]}"
        return None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Node:
    """A Marmot process and its file, on a server whose disk may lose its power. Confined to the main thread."""

    def __init__(self, number, home, raft_ports, pane, library=None, lies=False):
        self.number, self.home, self.pane = number, home, pane
        os.makedirs(home)
        self.db = os.path.join(home, "app.db")
        rows.create(self.db, range(1, len(raft_ports) + 1))
        bootstrap = ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(raft_ports))
        self.command = [LAUNCHER, "run", f"--node-id={number}", f"--db-path={self.db}", f"--raft-path={home}/raft",
                        f"--bind=127.0.0.1:{raft_ports[number - 1]}", f"--bind-pane=127.0.0.1:{pane}",
                        f"--bootstrap={bootstrap}"]
        self.disk = library and power.Disk(home, library, lies)
        self.process = None
        self.ended = False  # by the checker

    def environment(self, **more):
        """Of every process of this server."""
        return dict(os.environ, **(self.disk.environment if self.disk else {}), **more)

    @property
    def log(self):
        return os.path.join(self.home, "marmot.log")

    def start(self):
        self.ended = False
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out, env=self.environment())

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Says if it ended by itself."""
        if self.process is not None and self.process.poll() is not None and not self.ended:
            with open(self.log, encoding="utf-8") as log:
                return f"node {self.number} ended with code {self.process.poll()}: {log.read()[-1500:]}"
        return None

    def kill(self):
        """kill -9; whether it was alive until then."""
        self.ended = True
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def stop(self):
        self.ended = True
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()

    def pause(self):
        """SIGSTOP; whether it really stands still."""
        self.process.send_signal(signal.SIGSTOP)
        for _ in range(100):
            with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "T":
                    return True
            time.sleep(0.01)
        return False

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def get(self, path, timeout=5):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.pane}{path}", timeout=timeout) as reply:
            return json.load(reply)

    def ready(self):
        try:
            return self.alive and self.get("/readyz", 2)["ready"]
        except OSError:
            return False

    def explain(self):
        """How it stands; a process that lives leaves a dump of its threads in its log."""
        if not self.alive:
            return f"node {self.number} ended with code {self.process.returncode}"
        self.process.send_signal(signal.SIGQUIT)
        time.sleep(1)
        try:
            state = self.get("/readyz")
        except OSError as e:
            state = e
        return f"node {self.number} lives, see the threads in {self.log}: {state}"

    def barrier(self, seconds):
        """Asks for a barrier as `marmot barrier` does; whether it was passed."""
        url = f"http://127.0.0.1:{self.pane}/api/v1/barrier?timeout={seconds}s"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=seconds + 5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def conflicts(self):
        """The whole conflict log."""
        after, entries = 0, []
        while True:
            page = self.get(f"/api/v1/conflicts?after={after}&limit=1000", 30).get("conflicts", [])
            if not page:
                return entries
            entries += page
            after = int(page[-1]["id"])


def marmot(*arguments):
    """A command of the `marmot` tool; its output, or an error."""
    done = subprocess.run([LAUNCHER, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"marmot {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


class Cluster:
    """All nodes, each with a writer and a reader. Confined to the main thread."""

    def __init__(self, home, nodes, seed, rate, library=None, lies=False):
        self.home, self.seed, self.rate = home, seed, rate
        ports = free_ports(2 * nodes)
        self.nodes = [Node(i + 1, os.path.join(home, f"n{i + 1}"), ports[:nodes], ports[nodes + i], library, lies)
                      for i in range(nodes)]
        self.origins = [node.number for node in self.nodes]
        self.writers = [Application(f"writer {node.number}", self.path(f"writer-{node.number}.log"), node)
                        for node in self.nodes]
        self.readers = [Application(f"reader {node.number}", self.path(f"reader-{node.number}.log"), node)
                        for node in self.nodes]
        self.incarnations = [0] * nodes

    def path(self, name):
        return os.path.join(self.home, name)

    def start_nodes(self):
        for node in self.nodes:
            node.start()
        self.await_ready(self.nodes)

    def await_ready(self, nodes, limit=300):
        try:
            for node in nodes:
                wait(lambda n=node: n.ready() or n.check(), f"node {node.number} to be ready", limit)
        except TimeoutError as e:
            raise TimeoutError(f"{e}; " + "; ".join(node.explain() for node in nodes)) from e

    def start_writer(self, index):
        self.incarnations[index] += 1
        node = self.nodes[index]
        self.writers[index].start("writer", node.db, node.number, self.incarnations[index],
                                  self.path(f"writes-{node.number}.jsonl"), self.seed, self.rate,
                                  self.path("stop-writing"), self.path(f"die-{node.number}"),
                                  "FULL" if node.disk else "NORMAL")

    def start_reader(self, index):
        node = self.nodes[index]
        self.readers[index].start("reader", node.db, node.number, ",".join(map(str, self.origins)),
                                  self.path(f"reads-{node.number}.jsonl"), self.rate, self.path("stop-reading"))

    def lose_power(self, index, random):
        """Everything on that server is dead at once, and of what was not synced only a part is on its disk."""
        self.readers[index].kill()
        killed = self.nodes[index].alive and self.nodes[index].kill()
        self.writers[index].kill()
        self.nodes[index].disk.lose_power(random)
        return killed

    def failures(self):
        """What ended that must not have."""
        return [text for text in (part.check() for part in [*self.nodes, *self.writers, *self.readers]) if text]

    def finish(self, applications, flag):
        open(self.path(flag), "w", encoding="utf-8").close()
        for application in applications:
            application.process.wait(timeout=180)

    def kill_all(self):
        for part in [*self.writers, *self.readers]:
            part.kill()
        for node in self.nodes:
            if node.alive:
                node.kill()
