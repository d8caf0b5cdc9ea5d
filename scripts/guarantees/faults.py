"""What is done to the processes while they work, and how often it really happened."""
import time
from collections import Counter

from .cluster import wait


class Faults:
    """Plays faults one after the other until the time is over. Confined to the main thread."""

    def __init__(self, cluster, random, short, power):
        self.cluster, self.random, self.short = cluster, random, short
        self.count = Counter()
        self.downs = []
        self.log = []
        self.kinds = {"kill": self.kill, "kill two at once": self.kill_two, "pause": self.pause,
                      "kill writer in or after a transaction": self.kill_writer, "writing without sidecar": self.down}
        if not short:
            self.kinds |= {"pause one, kill another": self.pause_and_kill, "kill all at once": self.kill_all,
                           "stop and start": self.stop, "kill writer anywhere": self.kill_writer_anywhere}
        if power:
            number = len(cluster.nodes)
            self.kinds = {"power cut of one": lambda: self.power("power cut of one", [1]),
                          "power cut of two": lambda: self.power("power cut of two", [2]),
                          "power cut of all": lambda: self.power("power cut of all", [number]),
                          "power cut of all, another while they start":
                              lambda: self.power("power cut of all, another while they start", [number, None])}

    def play(self, until, pauses):
        """Each kind at least once, in random order, again and again; yields between two."""
        deck = []
        missing = set(self.kinds)
        while time.monotonic() < until or missing:
            if not deck:
                deck = list(self.kinds) + (["kill", "kill", "pause", "pause"] if "pause" in self.kinds
                                           and not self.short else [])
                self.random.shuffle(deck)
            kind = deck.pop()
            missing.discard(kind)
            self.note(kind)
            self.kinds[kind]()
            if self.random.random() < (0.5 if self.short else 0.7):
                self.cluster.await_ready(self.cluster.nodes)
            time.sleep(self.random.uniform(0.1, pauses))
            yield kind

    def note(self, text):
        self.log.append((time.monotonic(), text))

    def some(self, number):
        return self.random.sample(self.cluster.nodes, number)

    def delay(self, longest):
        time.sleep(self.random.uniform(0, longest))

    def _killed(self, kind, nodes):
        for node in nodes:
            node.ended = True
            node.process.kill()
        if all([node.kill() for node in nodes]):
            self.count[kind] += 1
        self.note(f"{kind}: nodes {[node.number for node in nodes]} are dead")

    def kill(self):
        (node,) = self.some(1)
        self._killed("kill", [node])
        self.delay(1 if self.short else 3)
        node.start()

    def kill_two(self):
        nodes = self.some(2)
        self._killed("kill two at once", nodes)
        for node in nodes:
            self.delay(0.5 if self.short else 2)
            node.start()

    def kill_all(self):
        nodes = self.some(len(self.cluster.nodes))
        self._killed("kill all at once", nodes)
        for node in nodes:
            self.delay(1)
            node.start()

    def power(self, kind, sizes):
        """Power cuts one after the other, the later ones while the nodes start and elect; None: of any number."""
        nodes, down, missed = self.cluster.nodes, set(), 0
        for size in sizes:
            chosen = self.random.sample(range(len(nodes)), size or self.random.randint(1, len(nodes)))
            missed += sum(not self.cluster.lose_power(index, self.random) for index in chosen)
            self.note(f"{kind}: nodes {[nodes[index].number for index in chosen]} are off")
            down.update(chosen)
            for index in chosen:
                nodes[index].start()
                self.cluster.start_writer(index)
            self.delay(6)
        self.count[kind] += missed == 0
        # What a node had applied and not synced comes again until it is ready.
        self.cluster.await_ready(nodes, 90)
        for index in down:
            self.cluster.start_reader(index)

    def pause(self):
        (node,) = self.some(1)
        self._paused("pause", node, lambda: None)

    def _paused(self, kind, node, meanwhile):
        seconds = self.random.choice([0.5, 1.5, 2.5]) if self.short else 0.5 * 30 ** self.random.random()
        if node.pause():
            self.count[kind] += 1
        self.note(f"{kind}: node {node.number} stands still for {seconds:.1f} s")
        try:
            meanwhile()
            time.sleep(seconds)
        finally:
            node.resume()

    def pause_and_kill(self):
        paused, other = self.some(2)
        self._paused("pause one, kill another", paused, lambda: self._killed("kill", [other]))
        other.start()

    def stop(self):
        (node,) = self.some(1)
        node.stop()
        self.count["stop and start"] += 1
        node.start()

    def down(self):
        """The application goes on while its sidecar is down."""
        (node,) = self.some(1)
        node.kill()
        begin = time.monotonic()
        time.sleep(self.random.uniform(2, 3) if self.short else self.random.uniform(3, 12))
        self.downs.append((node.number, begin, time.monotonic()))
        self.note(f"node {node.number} was down for {time.monotonic() - begin:.1f} s")
        node.start()

    def kill_writer(self):
        index = self.random.randrange(len(self.cluster.nodes))
        process = self.cluster.writers[index].process
        open(self.cluster.path(f"die-{index + 1}"), "w", encoding="utf-8").close()
        wait(lambda: process.poll() is not None, "the writer to die", 120)
        if process.returncode == -9:
            self.count["kill writer in or after a transaction"] += 1
            self.cluster.start_writer(index)

    def kill_writer_anywhere(self):
        index = self.random.randrange(len(self.cluster.nodes))
        if self.cluster.writers[index].process.poll() is None:
            self.cluster.writers[index].kill()
            self.count["kill writer anywhere"] += 1
            self.cluster.start_writer(index)

    def coverage(self, history):
        """How often each kind really happened; for a sidecar that is down: transactions meanwhile."""
        written = sum(1 for node, begin, end in self.downs for tx in history.by_origin[node]
                      if tx.acked is not None and begin < tx.acked < end)
        return {kind: self.count[kind] for kind in self.kinds if kind != "writing without sidecar"} | (
            {"transactions without sidecar": written} if "writing without sidecar" in self.kinds else {})
