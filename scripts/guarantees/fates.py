"""Judges the end: equal files, and what became of every write. Pure."""
from dataclasses import dataclass

from .history import Anomaly


@dataclass(frozen=True)
class Conflict:
    """An entry of a node's conflict log; uid names the losing image."""
    table: str
    uid: str
    winner: int
    reason: str
    loser: int = 0
    position: int = 0


def unequal(contents):
    """contents: node -> {table: rows}, each row a tuple of (storage class, value)."""
    anomalies = []
    first = min(contents)
    for node in sorted(contents):
        for table in sorted(contents[first].keys() | contents[node].keys()):
            here, there = set(contents[node].get(table, ())), set(contents[first].get(table, ()))
            if here != there:
                anomalies.append(Anomaly(
                    "unequal", f"{table}: only on node {node}: {sorted(here - there, key=str)[:3]}; only on"
                               f" node {first}: {sorted(there - here, key=str)[:3]}"))
    return anomalies


def unequal_logs(conflicts):
    """Every node keeps the same conflict log, in whatever order it learnt it."""
    anomalies = []
    everything = set().union(*conflicts.values())
    for node, entries in sorted(conflicts.items()):
        if len(entries) != len(set(entries)):
            anomalies.append(Anomaly("unequal log", f"node {node} tells a conflict twice"))
        if lacking := everything - set(entries):
            anomalies.append(Anomaly("unequal log", f"node {node} lacks {len(lacking)} conflicts:"
                                                    f" {sorted(lacking, key=str)[:3]}"))
    return anomalies


def lost(history, alive, conflicts):
    """Every written image is there at the end, or was replaced by a write that had seen it, or is in
    the conflict log of every node.

    alive: node -> uids of the rows at the end; conflicts: node -> list of Conflict.
    """
    anomalies = []
    logged = {node: {c.uid for c in entries} for node, entries in conflicts.items()}
    for uid, op in history.ops.items():
        if not op.image or uid in history.replaced_by:
            continue
        absent = [node for node in alive if uid not in alive[node]]
        unlogged = [node for node in logged if uid not in logged[node]]
        if absent and unlogged:
            anomalies.append(Anomaly(
                "lost", f"{op} of {history.op_tx[uid].name} is not in the file of nodes {absent}, nor in"
                        f" the conflict log of nodes {unlogged}, and nobody replaced it knowingly"))
    return anomalies


def false_conflicts(history, conflicts):
    """No conflict is reported about rows of one writer, nor where one write had seen the other."""
    anomalies = []
    writes = {}
    for uid, op in history.ops.items():
        writes.setdefault((op.table, history.op_tx[uid].origin), []).append(op)
    for node, entries in conflicts.items():
        for entry in set(entries):
            op = history.ops.get(entry.uid)
            if op is None:
                anomalies.append(Anomaly("false conflict", f"node {node}: {entry}: only one node writes"
                                                           " this row, or nobody wrote it"))
                continue
            loser = history.op_tx[entry.uid]
            if not any(_compete(history, op, other) and _unseen(history, loser, other)
                       for other in writes.get((entry.table, entry.winner), ())):
                anomalies.append(Anomaly("false conflict", f"node {node}: {entry}: no write of node"
                                                           f" {entry.winner} competes with {op} of"
                                                           f" {loser.name} without having seen it"))
    return anomalies


def _compete(history, op, other):
    """Whether a write can take the place of an image: same key, same unique value, or it displaced an
    older image of that key."""
    return (op.key == other.key or any(a == b for a, b in zip(op.unique, other.unique))
            or any(history.ops[uid].key == op.key for uid in other.saw if uid in history.ops))


def _unseen(history, loser, other):
    tx = history.op_tx[other.uid]
    return tx.origin != loser.origin and tx.seen.get(loser.origin, 0) < loser.n
