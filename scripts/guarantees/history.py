"""What was recorded, as values: transactions of the writers, snapshots of the readers. Pure."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Anomaly:
    """Something that a guarantee forbids, with enough to look for its cause."""
    kind: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Op:
    """One write of a row that several nodes write.

    uid: names the written image, or the deletion; saw: the images that it replaced or displaced,
    read in the same transaction; unique: the values of the UNIQUE columns of the image.
    """
    table: str
    key: int
    uid: str
    saw: tuple = ()
    image: bool = True
    unique: tuple = ()


@dataclass
class Tx:
    """A committed transaction: the n-th of its origin.

    seen: for each other origin the newest transaction that was visible in the same transaction;
    effects: what it does to the rows that only its origin writes; acked: when the writer knew that
    it is committed, None when the writer was killed before.
    """
    origin: int
    n: int
    uid: str
    seen: dict = field(default_factory=dict)
    effects: list = field(default_factory=list)
    ops: list = field(default_factory=list)
    kinds: list = field(default_factory=list)
    acked: float = None

    @property
    def name(self):
        return f"({self.origin},{self.n})"

    @staticmethod
    def of(line):
        return Tx(line["o"], line["n"], line["uid"], {int(o): n for o, n in line["seen"].items()},
                  line["effects"], [Op(t, k, uid, tuple(saw), image, tuple(unique))
                                    for t, k, uid, saw, image, unique in line["ops"]], line["kinds"])


@dataclass
class Snapshot:
    """What one read transaction on one node saw.

    parts: origin -> the rows that only this origin writes (see rows.read_parts); values: (table,
    key, uid) of each row that all write; begin: taken before the transaction began.
    """
    node: int
    begin: float
    position: int
    parts: dict
    values: list = field(default_factory=list)

    def newest(self, origin):
        return self.parts[origin]["v"]

    @property
    def name(self):
        vector = ", ".join(f"{o}:{p['v']}" for o, p in sorted(self.parts.items()))
        return f"[node {self.node} at {self.begin:.3f} s, position {self.position}, sees {vector}]"

    @staticmethod
    def of(line):
        return Snapshot(line["node"], line["begin"], line["pos"],
                        {int(o): p for o, p in line["parts"].items()},
                        [tuple(v) for v in line["values"]])


@dataclass(frozen=True)
class Passed:
    """A barrier that was passed on a node."""
    node: int
    called: float
    returned: float


class History:
    """The committed transactions by origin and number, without holes. Confined to the judge."""

    def __init__(self, by_origin):
        self.by_origin = by_origin
        self.by_uid = {tx.uid: tx for txs in by_origin.values() for tx in txs}
        self.ops = {}
        self.op_tx = {}
        self.replaced_by = {}
        for txs in by_origin.values():
            for tx in txs:
                for op in tx.ops:
                    self.ops[op.uid] = op
                    self.op_tx[op.uid] = tx
                    for uid in op.saw:
                        self.replaced_by.setdefault(uid, []).append(op.uid)

    @property
    def origins(self):
        return sorted(self.by_origin)

    def get(self, origin, n):
        txs = self.by_origin.get(origin, [])
        return txs[n - 1] if 1 <= n <= len(txs) else None


def committed(origins, lines, spines):
    """The history that the writers' journals and the files' final `tx` rows tell, and what is wrong.

    lines: journal lines in the order in which each writer wrote them; spines: node -> {(origin, n):
    uid}. A transaction counts as committed when it was acknowledged, or is in a file (its writer was
    killed between the commit and the acknowledgement).
    """
    anomalies = []
    intents, acks = {}, {}
    for line in lines:
        if line["t"] == "tx":
            intents[line["uid"]] = line
        elif line["t"] == "ack":
            acks[line["uid"]] = line["at"]
    chosen = {o: {} for o in origins}
    for uid, at in acks.items():
        line = intents[uid]
        other = chosen[line["o"]].get(line["n"])
        if other is not None:
            anomalies.append(Anomaly("vanished", f"node {line['o']} acknowledged two transactions with"
                                                 f" number {line['n']}: {other.uid}, {uid}: its own"
                                                 " newest writes had vanished in between"))
        tx = Tx.of(line)
        tx.acked = at
        chosen[line["o"]][line["n"]] = tx
    for node, spine in sorted(spines.items()):
        for (origin, n), uid in sorted(spine.items()):
            tx = chosen[origin].get(n)
            if tx is None and uid in intents:
                chosen[origin][n] = Tx.of(intents[uid])
            elif tx is None:
                anomalies.append(Anomaly("invented", f"node {node} has ({origin},{n}) {uid}, which"
                                                     " nobody wrote"))
            elif tx.uid != uid:
                anomalies.append(Anomaly("lost", f"node {node} has {uid} as ({origin},{n}), but"
                                                 f" {tx.uid} was committed"))
    by_origin = {}
    for origin, txs in chosen.items():
        by_origin[origin] = [txs[n] for n in sorted(txs)]
        missing = [n for n in range(1, max(txs, default=0) + 1) if n not in txs]
        if missing:
            anomalies.append(Anomaly("hole", f"node {origin} has no transactions {missing[:10]}"))
            by_origin[origin] = by_origin[origin][:missing[0] - 1]
        for node, spine in sorted(spines.items()):
            lost = [tx.name for tx in by_origin[origin] if (origin, tx.n) not in spine]
            if lost:
                anomalies.append(Anomaly("lost", f"node {node} lacks {len(lost)} committed"
                                                 f" transactions at the end: {lost[:10]}"))
    return History(by_origin), anomalies
