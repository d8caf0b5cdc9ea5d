"""First starts of new clusters whose servers lose their power while the nodes elect their first leaders."""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from . import fates, power, rows
from .cluster import Cluster, marmot


def options():
    parser = argparse.ArgumentParser(
        prog="check-starts", description="Starts new clusters, cuts the power of one node to all of them during the"
                                         " first elections, and checks that all members come back. Exit code 0:"
                                         " they did. Needs a C compiler.")
    parser.add_argument("--count", type=int, default=10, help="how many clusters (10)")
    parser.add_argument("--seed", type=int, help="of the choices; the schedule of the machine stays random")
    parser.add_argument("--nodes", type=int, default=3, help="at least 3 (3)")
    parser.add_argument("--dir", help="where files and logs are kept; else they are deleted when all is well")
    return parser.parse_args()


def first_start(home, nodes, seed, library):
    """One new cluster; what was done, how long it then took, and what is wrong."""
    chance = random.Random(seed)
    cluster = Cluster(home, nodes, seed, 1, library)
    try:
        for node in cluster.nodes:
            node.start()
        told = []
        for _ in range(chance.randint(1, 3)):
            after, off = chance.uniform(0.5, 5), chance.sample(range(nodes), chance.randint(1, nodes))
            time.sleep(after)
            for index in off:
                cluster.lose_power(index, chance)
            for index in off:
                cluster.nodes[index].start()
            told.append(f"power cut of {[index + 1 for index in off]} after {after:.1f} s")
        begin = time.monotonic()
        wrong = []
        try:
            cluster.await_ready(cluster.nodes, 90)
        except TimeoutError as e:
            wrong.append(str(e))
        ready = time.monotonic() - begin
        wrong += cluster.failures()
        if not wrong:
            wrong = trouble(cluster)
        return ", ".join([*told, f"ready {ready:.1f} s later"]), wrong
    finally:
        cluster.kill_all()


def trouble(cluster):
    """A write on each node must be everywhere, and each node must count all as members."""
    for node in cluster.nodes:
        rows.write(node.db, node.number)
    wrong = [f"no barrier on node {node.number}: {node.explain()}" for node in cluster.nodes if not node.barrier(30)]
    contents = {node.number: rows.read_contents(node.db) for node in cluster.nodes}
    wrong += [str(anomaly) for anomaly in fates.unequal(contents)]
    for node in cluster.nodes:
        members = node.get("/api/v1/status").get("members", [])
        if len(members) != len(cluster.nodes):
            wrong.append(f"node {node.number} counts {len(members)} members: {members}")
    return wrong


def main():
    chosen = options()
    if chosen.nodes < 3:
        sys.exit(f"cannot check {chosen.nodes} nodes: a power cut would leave no majority; give --nodes 3 or more")
    seed = random.randrange(10**6) if chosen.seed is None else chosen.seed
    home = os.path.abspath(chosen.dir) if chosen.dir else tempfile.mkdtemp(prefix="marmot-starts-")
    print(f"seed {seed}, {chosen.count} first starts of {chosen.nodes} nodes", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no process is left behind
    marmot("--version")
    library = power.compiled(home)
    failed = 0
    for number in range(1, chosen.count + 1):
        place = os.path.join(home, f"start-{number}")
        text, wrong = first_start(place, chosen.nodes, f"{seed}/{number}", library)
        print(f"{number}: {text}" + "".join(f"\n  {line}" for line in wrong), flush=True)
        failed += bool(wrong)
        if not wrong and not chosen.dir:
            shutil.rmtree(place)
    print(f"{failed} of {chosen.count} first starts failed" + (f"; files and logs: {home}" if failed else ""))
    if not failed and not chosen.dir:
        shutil.rmtree(home)
    return 1 if failed else 0
