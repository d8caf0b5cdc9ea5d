"""Judges what readers saw. Pure functions from recorded values to anomalies.

The guarantee of one order says: there is one total order of all transactions in which every node
applies them; a node sees a prefix of it, and its own newest transactions on top. So everything that
anybody saw must fit into one total order: each observation says "a is before b", and these must
have no cycle (see `reordered`).
"""
from bisect import bisect_left

from . import oracle
from .history import Anomaly

EXPLAINED = 100  # anomalies whose explanation is worth the time


def torn(history, snapshots):
    """The rows of an origin must be, at any time and on any node, those after one of its
    transactions, whole."""
    anomalies = []
    expected = {}
    for origin in history.origins:
        expected[origin], wrong = oracle.states(history.by_origin[origin])
        anomalies += [Anomaly("vanished", f"the writer of {tx.name} saw its own file wrong: {problem}")
                      for tx, problem in wrong]
    for snapshot in snapshots:
        for origin, part in snapshot.parts.items():
            n = part["v"]
            if n >= len(expected[origin]):
                anomalies.append(Anomaly("invented", f"{snapshot.name}: no transaction ({origin},{n})"
                                                     " was committed"))
                continue
            should = expected[origin][n]
            for what, value in part.items():
                if what == "early":
                    if value > n:
                        anomalies.append(Anomaly("torn", f"{snapshot.name}: a row of ({origin},{value})"
                                                         " is there before its transaction"))
                elif value != should[what]:
                    fitting = [m for m, e in enumerate(expected[origin])
                               if len(anomalies) < EXPLAINED and e[what] == value]
                    anomalies.append(Anomaly(
                        "torn", f"{snapshot.name}: after ({origin},{n}) {what} must be {should[what]}"
                                f" but is {value}, as after {_ranges(fitting)}"))
    return anomalies


def _ranges(numbers):
    if not numbers:
        return "none of its transactions"
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}..{numbers[-1]}"


def went_back(snapshots):
    """What a node shows never goes back."""
    anomalies = []
    last = {}
    for snapshot in snapshots:
        before = last.get(snapshot.node)
        if before is not None:
            if snapshot.position < before.position:
                anomalies.append(Anomaly("went back", f"position: {before.name} then {snapshot.name}"))
            for origin in snapshot.parts:
                if snapshot.newest(origin) < before.newest(origin):
                    anomalies.append(Anomaly("went back", f"transactions of {origin}: {before.name}"
                                                          f" then {snapshot.name}"))
        last[snapshot.node] = snapshot
    return anomalies


def own_vanished(history, snapshots):
    """What was committed on a node is visible there from then on."""
    anomalies = []
    acks = {}
    for origin in history.origins:
        acked = [tx for tx in history.by_origin[origin] if tx.acked is not None]
        acks[origin] = ([tx.acked for tx in acked], [tx.n for tx in acked])
    for snapshot in snapshots:
        times, numbers = acks.get(snapshot.node, ([], []))
        known = bisect_left(times, snapshot.begin)
        if known and snapshot.newest(snapshot.node) < numbers[known - 1]:
            anomalies.append(Anomaly("vanished", f"{snapshot.name}: ({snapshot.node},"
                                                 f"{numbers[known - 1]}) was committed here before"))
    return anomalies


def causally_early(history, snapshots):
    """Who sees a transaction sees what its writer had seen."""
    anomalies = []
    for snapshot in snapshots:
        for origin in snapshot.parts:
            tx = history.get(origin, snapshot.newest(origin))
            for other, n in (tx.seen.items() if tx else ()):
                if snapshot.newest(other) < n:
                    anomalies.append(Anomaly("early", f"{snapshot.name}: {tx.name} had seen ({other},"
                                                      f"{n}), which is not visible"))
    return anomalies


def reordered(history, snapshots):
    """All observations must fit into one total order of the transactions."""
    before = {}

    def precedes(p, m, q, n, why):
        """(p,m) is before (q,n); for each (q,n) and p only the largest m matters."""
        if m >= 1 and history.get(q, n) is not None:
            bounds = before.setdefault((q, n), {})
            if m > bounds.get(p, (0, None))[0]:
                bounds[p] = (m, why)

    for origin in history.origins:
        for tx in history.by_origin[origin]:
            for other, n in tx.seen.items():
                precedes(other, n, origin, tx.n, None)
    for snapshot in snapshots:
        for p in snapshot.parts:
            if p == snapshot.node:
                continue  # own transactions are visible before they are ordered
            for q in snapshot.parts:
                if q != p:
                    precedes(p, snapshot.newest(p), q, snapshot.newest(q) + 1, snapshot)
    done = {origin: 0 for origin in history.origins}
    moved = True
    while moved:
        moved = False
        for origin in history.origins:
            while history.get(origin, done[origin] + 1) is not None and not _blockers(
                    before, done, origin, done[origin] + 1):
                done[origin] += 1
                moved = True
    blocked = []
    for origin in history.origins:
        n = done[origin] + 1
        if history.get(origin, n) is not None:
            for p, (m, why) in _blockers(before, done, origin, n).items():
                reason = f"({origin},{n}) had seen it" if why is None else f"seen in {why.name}"
                blocked.append(f"({p},{m}) before ({origin},{n}): {reason}")
    return [Anomaly("reordered", "no common order: " + "; ".join(blocked))] if blocked else []


def _blockers(before, done, origin, n):
    return {p: bound for p, bound in before.get((origin, n), {}).items() if bound[0] > done[p]}


def positions(snapshots):
    """At the same position all nodes show the same, but for their own newest transactions."""
    anomalies = []
    seen = {}
    for snapshot in sorted(snapshots, key=lambda s: s.position):
        for origin in snapshot.parts:
            if origin == snapshot.node:
                continue
            other = seen.get(origin)
            n = snapshot.newest(origin)
            if other is not None and (n < other.newest(origin) or (
                    n > other.newest(origin) and snapshot.position == other.position)):
                anomalies.append(Anomaly("reordered", f"transactions of {origin} by position:"
                                                      f" {other.name} against {snapshot.name}"))
            seen[origin] = snapshot
    return anomalies


def stale(history, snapshots):
    """No row is visible together with a transaction that had seen and replaced it."""
    anomalies = []
    for snapshot in snapshots:
        for table, key, uid in snapshot.values:
            if uid not in history.ops:
                anomalies.append(Anomaly("invented", f"{snapshot.name}: nobody wrote {uid} in {table}"
                                                     f" {key}"))
                continue
            for newer in history.replaced_by.get(uid, ()):
                tx = history.op_tx[newer]
                if snapshot.newest(tx.origin) >= tx.n:
                    anomalies.append(Anomaly("stale", f"{snapshot.name}: {table} {key} shows {uid},"
                                                      f" which {newer} of {tx.name} replaced"))
    return anomalies


def barriers(history, snapshots, passed):
    """After a barrier, what was committed anywhere before the call is visible there, and what was
    committed there is visible everywhere."""
    anomalies = []
    for barrier in passed:
        due = {}
        for origin in history.origins:
            due[origin] = max((tx.n for tx in history.by_origin[origin]
                               if tx.acked is not None and tx.acked < barrier.called), default=0)
        first = {}
        for snapshot in snapshots:
            if snapshot.begin > barrier.returned:
                first.setdefault(snapshot.node, snapshot)
        for node, snapshot in first.items():
            for origin, n in due.items():
                if (node == barrier.node or origin == barrier.node) and snapshot.newest(origin) < n:
                    anomalies.append(Anomaly("late", f"{snapshot.name}: ({origin},{n}) was committed"
                                                     f" before {barrier}"))
    return anomalies


def all_of(history, snapshots, passed=()):
    """Every check over what readers saw. The snapshots of each node are in the order of time."""
    return (torn(history, snapshots) + went_back(snapshots) + own_vanished(history, snapshots)
            + causally_early(history, snapshots) + reordered(history, snapshots)
            + positions(snapshots) + stale(history, snapshots)
            + barriers(history, snapshots, passed))
