"""An application that only reads: records what it sees until it is told to stop.

Arguments: file, node, origins (1,2,3), journal, snapshots per second, stop file.
"""
import os
import sqlite3
import sys
import time

from . import rows
from .journal import Journal


def main():
    path, node, origins, journal, rate, stop = sys.argv[1:]
    origins = [int(o) for o in origins.split(",")]
    out = Journal(journal)
    db, number, stopping = None, 0, False
    while not stopping:
        stopping = os.path.exists(stop)  # one snapshot more after that
        if number % 200 == 0:
            db = sqlite3.connect(path, timeout=120, isolation_level=None)
        begin = time.monotonic()
        db.execute("BEGIN")
        position = rows.read_position(db)
        parts = rows.read_parts(db, origins, number % 20 == 0 or stopping)
        values = rows.read_values(db)
        db.execute("COMMIT")
        out.add(t="snapshot", node=int(node), begin=begin, pos=position, parts=parts, values=values)
        number += 1
        time.sleep(1 / float(rate))


if __name__ == "__main__":
    main()
