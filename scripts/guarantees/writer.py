"""An application: writes its node's file until it is told to stop, or killed.

Arguments: file, origin, number of this incarnation, journal, seed, transactions per second, stop file,
die file (when it appears, the writer kills itself in the middle of a transaction, or after its commit), and
SQLite's `synchronous` (FULL where power may be lost: what was acknowledged must then be on the disk).
"""
import os
import random
import signal
import sqlite3
import sys
import time

from .journal import Journal
from .oracle import ACCOUNTS

KEYS = 12
NAMES = 8
SLOTS = 10
KEPT = 40  # transactions whose parts are kept by a sweep


class Writer:
    """Makes transactions on one file. Confined to its process."""

    def __init__(self, path, origin, incarnation, journal, seed, synchronous):
        self.db = sqlite3.connect(path, timeout=120, isolation_level=None)
        self.db.execute(f"PRAGMA synchronous={synchronous}")
        self.origin, self.incarnation, self.journal = origin, incarnation, journal
        self.random = random.Random(f"{seed}/{origin}/{incarnation}")
        self.attempts = 0
        self.actions = [(self.transfer, 6), (self.pack, 6), (self.bulk, 0.3), (self.sweep, 1), (self.slots, 5),
                        (self.contested, 8), (self.names, 7)]

    def transaction(self, die):
        """One transaction; dies in its middle if told so."""
        self.attempts += 1
        uid = f"{self.origin}.{self.incarnation}.{self.attempts}"
        asked = time.monotonic()
        self.db.execute("BEGIN IMMEDIATE")
        self.n = self.one("SELECT ifnull(max(n), 0) + 1 FROM tx WHERE origin=?", self.origin)
        self.uid, self.effects, self.ops, self.kinds = uid, [], [], []
        seen = {str(o): n for o, n in self.db.execute("SELECT origin, max(n) FROM tx WHERE origin<>? GROUP BY origin",
                                                      (self.origin,))}
        self.db.execute("UPDATE counter SET x = x + 1 WHERE origin=?", (self.origin,))
        functions, weights = zip(*self.actions)
        for act in self.random.choices(functions, weights, k=self.random.randint(1, 3)):
            act()
        late = self.random.random() < 0.5
        if die and not late:
            self.die("in a transaction")
        text = ",".join(f"{o}:{n}" for o, n in seen.items())
        self.db.execute("INSERT INTO tx VALUES(?, ?, ?, ?)", (self.origin, self.n, uid, text))
        self.journal.add(t="tx", o=self.origin, n=self.n, uid=uid, seen=seen, effects=self.effects, ops=self.ops,
                         kinds=self.kinds)
        self.db.execute("COMMIT")
        if die:
            self.die("before the acknowledgement")
        now = time.monotonic()
        self.journal.add(t="ack", uid=uid, at=now, took=round(now - asked, 4))

    def die(self, when):
        self.journal.add(t="die", uid=self.uid, when=when)
        os.kill(os.getpid(), signal.SIGKILL)

    def one(self, sql, *values):
        row = self.db.execute(sql, values).fetchone()
        return row and row[0]

    def transfer(self):
        """Between accounts in two tables."""
        for _ in range(self.random.randint(1, 3)):
            (a, i), (b, j) = self.random.sample([(k, i) for k in "cs" for i in range(ACCOUNTS)], 2)
            amount = self.random.randint(1, 20)
            for kind, account, change in ((a, i, -amount), (b, j, amount)):
                table = "checking" if kind == "c" else "savings"
                self.db.execute(f"UPDATE {table} SET balance = balance + ? WHERE origin=? AND account=?",
                                (change, self.origin, account))
            self.effects.append(["move", a, i, b, j, amount])
        self.kinds.append("transfer")

    def pack(self):
        """Several rows in two tables."""
        self.insert_parts("rows in two tables", self.random.randint(1, 6), self.random.randint(1, 6), 900)

    def bulk(self):
        """More than one chunk, for more than one shard."""
        self.insert_parts("large transaction", self.random.randint(100, 400), self.random.randint(100, 300), 3000)

    def insert_parts(self, kind, a, b, most):
        if any(effect[0] in ("pack", "sweep") for effect in self.effects):
            return
        sizes = [self.random.randint(10, most) for _ in range(a + b)]
        base = self.origin * 10**12 + self.n * 1000
        self.db.executemany("INSERT INTO part_a VALUES(?, ?, ?, ?)", (
            (base + i, self.origin, self.n, self.random.randbytes(size // 2 + 1).hex()[:size])
            for i, size in enumerate(sizes[:a])))
        self.db.executemany("INSERT INTO part_b VALUES(?, ?, ?, ?)", (
            (f"{self.origin}/{self.n}/{i}", self.origin, self.n, self.random.randbytes(size))
            for i, size in enumerate(sizes[a:])))
        self.kinds.append(kind)
        self.effects.append(["pack", a, sum(sizes[:a]), b, sum(sizes[a:])])

    def sweep(self):
        """Deletes many rows of two tables."""
        if any(effect[0] in ("pack", "sweep") for effect in self.effects):
            return
        upto = self.n - KEPT
        for table in ("part_a", "part_b"):
            self.db.execute(f"DELETE FROM {table} WHERE origin=? AND n<=?", (self.origin, upto))
        self.effects.append(["sweep", upto])
        self.kinds.append("mass delete")

    def slots(self):
        """Deletes, inserts and moves rows, also one key several times."""
        for _ in range(self.random.randint(1, 4)):
            used = {slot for (slot,) in self.db.execute("SELECT slot FROM slot WHERE origin=?", (self.origin,))}
            slot = self.random.randrange(SLOTS)
            where = (self.origin, slot)
            if slot not in used:
                self.db.execute("INSERT INTO slot VALUES(?, ?, ?)", (*where, self.n))
                self.effect("put", slot)
            elif self.random.random() < 0.4:
                self.db.execute("DELETE FROM slot WHERE origin=? AND slot=?", where)
                self.effect("del", slot)
            elif self.random.random() < 0.5 and len(used) < SLOTS:
                to = self.random.choice([s for s in range(SLOTS) if s not in used])
                self.db.execute("UPDATE slot SET slot=?, n=? WHERE origin=? AND slot=?", (to, self.n, *where))
                self.effect("rekey", slot, to)
            else:
                self.db.execute("REPLACE INTO slot VALUES(?, ?, ?)", (*where, self.n))
                self.effect("set", slot)

    def effect(self, what, *values):
        self.effects.append([what, *values])
        self.kinds.append({"put": "insert again", "del": "delete", "rekey": "key update", "set": "replace"}[what])

    def contested(self):
        """Writes rows that every node writes."""
        for key in self.random.sample(range(KEYS), self.random.randint(1, 2)):
            old = self.one("SELECT uid FROM contested WHERE k=?", key)
            if old is None:
                self.op("contested insert", "contested", key, ())
                self.db.execute("INSERT INTO contested VALUES(?, ?, ?, ?)", (key, *self.tag()))
            elif self.random.random() < 0.2:
                self.op("contested delete", "contested", key, [old], image=False)
                self.db.execute("DELETE FROM contested WHERE k=?", (key,))
            else:
                self.op("contested update", "contested", key, [old])
                self.db.execute("UPDATE contested SET uid=?, origin=?, n=? WHERE k=?", (*self.tag(), key))

    def op(self, kind, table, key, saw, image=True, unique=()):
        self.kinds.append(kind)
        self.ops.append([table, key, f"{self.uid}#{len(self.ops)}", list(saw), image, list(unique)])

    def tag(self):
        return self.ops[-1][2], self.origin, self.n

    def names(self):
        """Writes rows that collide on two UNIQUE columns with those of other nodes."""
        name, code = f"name {self.random.randrange(NAMES)}", self.random.randrange(NAMES)
        rows = self.db.execute("SELECT id, uid, name, code FROM name ORDER BY id").fetchall()
        colliding = [row for row in rows if row[2] == name or row[3] == code]
        choice = self.random.random()
        if choice < 0.45:
            key = self.origin * 10**9 + self.n * 10 + len(self.ops)
            kind = "unique insert, replacing" if colliding else "unique insert"
            self.op(kind, "name", key, [row[1] for row in colliding], unique=(name, code))
            self.db.execute("REPLACE INTO name VALUES(?, ?, ?, ?, ?, ?)", (key, name, code, *self.tag()))
        elif choice < 0.75 and rows:
            key, uid = self.random.choice(rows)[:2]
            others = [row for row in colliding if row[0] != key]
            replace = self.random.random() < 0.3
            if others and not replace:
                self.refused("UPDATE name SET name=?, code=? WHERE id=?", (name, code, key))
                return
            self.op("unique update, replacing" if others else "unique update", "name", key,
                    [uid] + [row[1] for row in others], unique=(name, code))
            self.db.execute("UPDATE OR REPLACE name SET name=?, code=?, uid=?, origin=?, n=? WHERE id=?",
                            (name, code, *self.tag(), key))
        elif rows:
            key, uid = self.random.choice(rows)[:2]
            self.op("unique delete", "name", key, [uid], image=False)
            self.db.execute("DELETE FROM name WHERE id=?", (key,))

    def refused(self, sql, values):
        try:
            self.db.execute(sql, values)
        except sqlite3.IntegrityError:
            self.kinds.append("unique refused")
            return
        raise AssertionError(f"not refused: {sql} {values}")

    def checkpoint(self):
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.journal.add(t="checkpoint", at=time.monotonic())


def main():
    path, origin, incarnation, journal, seed, rate, stop, die, synchronous = sys.argv[1:]
    writer = Writer(path, int(origin), int(incarnation), Journal(journal), seed, synchronous)
    while not os.path.exists(stop):
        dying = os.path.exists(die)
        if dying:
            os.unlink(die)
        writer.transaction(dying)
        if writer.random.random() < 0.005:
            writer.checkpoint()
        if writer.random.random() < 0.3:
            continue  # a burst: nothing between two transactions
        time.sleep(writer.random.expovariate(float(rate) * 0.7))


if __name__ == "__main__":
    main()
