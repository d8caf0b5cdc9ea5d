"""A loss of power keeps what was synced, and may take everything else."""
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from . import power

WRITE = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.write(file, b"S" * 2000)
os.fsync(file)
os.pwrite(file, b"N" * 2000, 1000)
print("written", flush=True)
sys.stdin.read()
"""
COMMIT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA wal_autocheckpoint=7")
db.execute("CREATE TABLE t(a, pad)")
db.execute("PRAGMA synchronous=" + sys.argv[2])
for i in range(int(sys.argv[3])):
    db.execute("INSERT INTO t VALUES(?, randomblob(3000))", (i,))
print("written", flush=True)
sys.stdin.read()
"""


@unittest.skipIf(power.compiler() is None, "there is no C compiler")
class PowerTest(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.library = power.compiled(home.name)
        self.root = os.path.join(home.name, "server")
        os.makedirs(os.path.join(self.root, "raft"))

    def killed(self, disk, program, *arguments):
        """Runs until it says that it has written."""
        with subprocess.Popen([sys.executable, "-c", program, *arguments], env=dict(os.environ, **disk.environment),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.assertEqual(b"written\n", process.stdout.readline())
            process.kill()

    def left(self, name, lies=False):
        """What is left of a file, in thirty losses of power after the same writes."""
        seen = set()
        for seed in range(30):
            path = os.path.join(self.root, name)
            if os.path.exists(path):
                os.unlink(path)
            disk = power.Disk(self.root, self.library, lies)
            self.killed(disk, WRITE, path)
            disk.lose_power(random.Random(seed))
            with open(path, "rb") if os.path.exists(path) else open(os.devnull, "rb") as file:
                seen.add(file.read())
        return seen

    def test_what_was_synced_stays_and_what_came_after_may_be_there_in_part(self):
        for name in ("raft/log", "app.db"):
            left = self.left(name)
            self.assertTrue(all(data[:1000] == b"S" * 1000 for data in left), name)
            self.assertTrue(all(set(data) <= set(b"SN\0") for data in left), name)
            self.assertGreater(len(left), 3, name)

    def test_a_disk_that_lies_loses_what_was_synced(self):
        self.assertTrue(any(not data.startswith(b"S" * 1000) for data in self.left("raft/log", lies=True)))

    def test_sqlite_keeps_what_it_synced(self):
        path = os.path.join(self.root, "app.db")
        for seed in range(10):
            for name in os.listdir(self.root):
                if name.startswith("app.db"):
                    os.unlink(os.path.join(self.root, name))
            disk = power.Disk(self.root, self.library)
            self.killed(disk, COMMIT, path, "FULL", "20")
            disk.lose_power(random.Random(seed))
            db = sqlite3.connect(path)
            self.assertEqual("ok", db.execute("PRAGMA integrity_check").fetchone()[0])
            self.assertEqual(20, db.execute("SELECT count(*) FROM t").fetchone()[0])
            db.close()


if __name__ == "__main__":
    unittest.main()
