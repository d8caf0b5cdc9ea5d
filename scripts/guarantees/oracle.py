"""What the rows that only one origin writes are after each of its transactions. Pure."""

ACCOUNTS = 4
OPENING_BALANCE = 100


class State:
    """The rows of one origin. Mutable; `part` gives what a reader would see."""

    def __init__(self):
        self.n = 0
        self.accounts = {(kind, i): OPENING_BALANCE for kind in "cs" for i in range(ACCOUNTS)}
        self.slots = {}
        self.packs = {}
        self.a = [0, 0, 0]
        self.b = [0, 0, 0]

    def apply(self, tx):
        """Applies a transaction; returns what its writer saw wrong in its own file, if anything."""
        self.n = tx.n
        wrong = []
        for effect in tx.effects:
            problem = getattr(self, "_" + effect[0])(tx.n, *effect[1:])
            if problem:
                wrong.append(problem)
        return wrong

    def _move(self, n, source, i, target, j, amount):
        self.accounts[source, i] -= amount
        self.accounts[target, j] += amount

    def _put(self, n, slot):
        wrong = f"slot {slot} was free for the writer, but must hold {self.slots[slot]}" \
            if slot in self.slots else None
        self.slots[slot] = n
        return wrong

    def _set(self, n, slot):
        wrong = None if slot in self.slots else f"slot {slot} was there for the writer, but must not be"
        self.slots[slot] = n
        return wrong

    def _del(self, n, slot):
        return None if self.slots.pop(slot, None) else f"slot {slot} was there for the writer, but must not be"

    def _rekey(self, n, slot, to):
        wrong = self._del(n, slot)
        return wrong or self._put(n, to)

    def _pack(self, n, a, a_bytes, b, b_bytes):
        self.packs[n] = (a, a_bytes, b, b_bytes)
        self._count(n, self.packs[n], 1)

    def _sweep(self, n, upto):
        for old in [m for m in self.packs if m <= upto]:
            self._count(old, self.packs.pop(old), -1)

    def _count(self, n, pack, sign):
        a, a_bytes, b, b_bytes = pack
        self.a = [x + sign * y for x, y in zip(self.a, (a, a * n, a_bytes))]
        self.b = [x + sign * y for x, y in zip(self.b, (b, b * n, b_bytes))]

    def part(self):
        return {"v": self.n, "count": self.n, "x": self.n,
                "checking": [self.accounts["c", i] for i in range(ACCOUNTS)],
                "savings": [self.accounts["s", i] for i in range(ACCOUNTS)],
                "slots": [[slot, n] for slot, n in sorted(self.slots.items())],
                "a": self.a, "b": self.b}


def states(txs):
    """The part after 0, 1, 2, ... transactions, and what writers saw wrong as (tx, problem)."""
    state = State()
    parts, wrong = [state.part()], []
    for tx in txs:
        wrong.extend((tx, problem) for problem in state.apply(tx))
        parts.append(state.part())
    return parts, wrong
