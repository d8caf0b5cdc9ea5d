"""Loss of power: what was written but not synced is on the disk in part, or not at all.

power.c, preloaded into the processes of a server, keeps what was synced beside the server's files.
"""
import os
import shutil
import subprocess
import sys

SECTOR = 512
BLOCK = 1 << 16
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "power.c")


def compiler():
    """The C compiler of this machine, or None."""
    return shutil.which("cc") or shutil.which("gcc")


def compiled(home):
    """The library to preload."""
    if compiler() is None:
        sys.exit("cannot play losses of power: there is no C compiler; install gcc")
    os.makedirs(home, exist_ok=True)
    library = os.path.join(home, "power.so")
    subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return library


class Disk:
    """The files of one server under a folder. Confined to the main thread."""

    def __init__(self, root, library, lies=False):
        self.root, self.shadow = root, root + ".synced"
        self.environment = {"LD_PRELOAD": library, "POWER_ROOT": root, "POWER_SHADOW": self.shadow}
        if lies:
            self.environment["POWER_LIES"] = "1"
        self.settle()

    def settle(self):
        """Everything is on the disk now."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        shutil.copytree(self.root, self.shadow, ignore=shutil.ignore_patterns("*-shm", "*.log"))

    def lose_power(self, random):
        """To be called when every process of the server is dead; how many files it changed."""
        changed = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith("-shm"):
                    os.unlink(path)
                elif not name.endswith(".log"):
                    changed += self._lose(path, random)
        self.settle()
        return changed

    def _lose(self, path, random):
        kept = self.shadow + path[len(self.root):]
        synced = os.path.exists(kept)
        if not synced and random.random() < 0.5:
            os.unlink(path)
            return True
        with open(path, "rb") as file:
            written = file.read()
        durable = b""
        if synced:
            with open(kept, "rb") as file:
                durable = file.read()
        left = mixed(durable, written, random)
        if left != written:
            with open(path, "wb") as file:
                file.write(left)
        return left != written


def mixed(durable, written, random):
    """What is on a disk that had `durable` for certain, and was about to get `written`: all of it, nothing, what
    came first, or some of its sectors."""
    if durable == written:
        return durable
    size = random.choice([len(durable), len(written), random.randint(*sorted((len(durable), len(written))))])
    old, new = (data[:size].ljust(size, b"\0") for data in (durable, written))
    kind = random.choice(["nothing", "all", "first", "some", "some"])
    end = random.randint(0, size)
    left = bytearray(old)
    for at in range(0, size, BLOCK):
        if old[at:at + BLOCK] == new[at:at + BLOCK]:
            continue
        for sector in range(at, min(at + BLOCK, size), SECTOR):
            arrives = {"nothing": False, "all": True, "first": sector < end}.get(kind)
            if random.random() < 0.5 if arrives is None else arrives:
                left[sector:sector + SECTOR] = new[sector:sector + SECTOR]
    return bytes(left)
