"""The judge finds what it must find: hand-made histories, each with one anomaly, and one without."""
import unittest

from . import fates, judge, oracle
from .history import Op, Passed, Snapshot, Tx, committed


def history_of(*txs):
    """Every given transaction was acknowledged, at the second that its number says."""
    lines = []
    for tx in txs:
        lines.append({"t": "tx", "o": tx.origin, "n": tx.n, "uid": tx.uid, "seen": tx.seen, "effects": tx.effects,
                      "ops": [[o.table, o.key, o.uid, o.saw, o.image, o.unique] for o in tx.ops], "kinds": []})
        lines.append({"t": "ack", "uid": tx.uid, "at": float(tx.n)})
    history, wrong = committed((1, 2, 3), lines, {})
    assert not wrong, wrong
    return history


def tx(origin, n, seen=None, effects=(), ops=()):
    return Tx(origin, n, f"{origin}.1.{n}", seen or {}, list(effects), list(ops))


def plain(*counts):
    """So many transactions of origins 1, 2, 3 without any effect."""
    return [tx(o + 1, n) for o, count in enumerate(counts) for n in range(1, count + 1)]


def snapshot(node, begin, *vector, position=None, values=(), history=None):
    """What a correct node shows that sees so many transactions of each origin."""
    parts = {}
    for o, n in enumerate(vector, 1):
        txs = history.by_origin[o] if history else plain(*vector[:o])[sum(vector[:o - 1]):]
        parts[o] = dict(oracle.states(txs)[0][n], early=0)
    return Snapshot(node, float(begin), begin if position is None else position, parts, list(values))


def kinds(anomalies):
    return sorted({anomaly.kind for anomaly in anomalies})


class NothingWrong(unittest.TestCase):
    def test_own_newest_writes_are_early_and_others_in_the_common_order(self):
        history = history_of(*plain(3, 3, 3))
        self.assertEqual([], judge.all_of(history, [
            snapshot(1, 1, 3, 0, 0), snapshot(1, 2, 3, 1, 0), snapshot(1, 3, 3, 1, 2),
            snapshot(2, 1, 0, 3, 0), snapshot(2, 2, 1, 3, 0), snapshot(2, 3, 1, 3, 2)]))


class Torn(unittest.TestCase):
    EFFECTS = [[["move", "c", 0, "s", 1, 5]], [["pack", 2, 20, 1, 10], ["put", 4]], [["rekey", 4, 5]],
               [["sweep", 2], ["del", 5]]]

    def setUp(self):
        self.history = history_of(*(tx(1, n, effects=e) for n, e in enumerate(self.EFFECTS, 1)))

    def look(self, n, **changed):
        seen = snapshot(2, 9, n, 0, 0, history=self.history)
        seen.parts[1].update(changed)
        return judge.torn(self.history, [seen])

    def test_whole_states_are_fine(self):
        for n in range(5):
            self.assertEqual([], self.look(n))

    def test_one_of_two_accounts(self):
        self.assertEqual(["torn"], kinds(self.look(1, checking=[100, 100, 100, 100])))

    def test_rows_of_one_table_without_the_other(self):
        (anomaly,) = self.look(2, b=[0, 0, 0])
        self.assertIn("b must be [1, 2, 10] but is [0, 0, 0], as after 0..4", anomaly.text)

    def test_row_of_a_later_transaction(self):
        self.assertEqual(["torn"], kinds(self.look(1, a=[2, 4, 20])))
        self.assertEqual(["torn"], kinds(self.look(1, early=2)))

    def test_half_a_key_update(self):
        self.assertEqual(["torn"], kinds(self.look(3, slots=[[4, 2], [5, 3]])))
        self.assertEqual(["torn"], kinds(self.look(3, slots=[])))

    def test_deleted_row_is_back(self):
        self.assertEqual(["torn"], kinds(self.look(4, slots=[[5, 3]])))

    def test_lost_increment(self):
        self.assertEqual(["torn"], kinds(self.look(3, x=2)))

    def test_transaction_missing_in_the_middle(self):
        self.assertEqual(["torn"], kinds(self.look(3, count=2)))

    def test_more_than_was_committed(self):
        seen = snapshot(2, 9, 4, 0, 0, history=self.history)
        seen.parts[1]["v"] = 5
        self.assertEqual(["invented"], kinds(judge.torn(self.history, [seen])))

    def test_writer_that_saw_its_own_file_wrong(self):
        history = history_of(tx(1, 1, effects=[["del", 3]]))
        self.assertEqual(["vanished"], kinds(judge.torn(history, [])))


class Order(unittest.TestCase):
    def test_two_nodes_disagree_about_two_others(self):
        history = history_of(*[tx(o, 1) for o in (1, 2, 3)], tx(1, 2))
        other = [snapshot(2, 2, 1, 0, 0), snapshot(3, 2, 1, 0, 0)]
        self.assertEqual([], judge.reordered(history, other))
        # 1 saw 2's before 3's; 2 saw 3's before 1's; 3 saw 1's before 2's: a circle.
        circle = [snapshot(1, 2, 2, 1, 0), snapshot(2, 2, 0, 1, 1), snapshot(3, 2, 1, 0, 1)]
        (anomaly,) = judge.reordered(history, circle)
        self.assertEqual("reordered", anomaly.kind)
        self.assertIn("before (2,1)", anomaly.text)
        for missing in circle:
            self.assertEqual([], judge.reordered(history, [s for s in circle if s is not missing]))

    def test_four_nodes_see_two_others_in_opposite_order(self):
        history, _ = committed((1, 2, 3, 4), [line for n in (1, 2) for line in (
            {"t": "tx", "o": n, "n": 1, "uid": str(n), "seen": {}, "effects": [], "ops": [], "kinds": []},
            {"t": "ack", "uid": str(n), "at": 1.0})], {})
        self.assertEqual(["reordered"], kinds(judge.reordered(history, [
            snapshot(3, 2, 1, 0, 0, 0), snapshot(4, 2, 0, 1, 0, 0)])))

    def test_before_a_transaction_that_its_node_had_seen(self):
        history = history_of(tx(1, 1), tx(2, 1, {1: 1}))
        self.assertEqual(["reordered"], kinds(judge.reordered(history, [snapshot(3, 2, 0, 1, 0)])))
        self.assertEqual(["early"], kinds(judge.causally_early(history, [snapshot(3, 2, 0, 1, 0)])))

    def test_before_a_transaction_that_only_a_reader_of_its_node_had_seen(self):
        history = history_of(tx(1, 1), tx(2, 1))
        seen = [snapshot(2, 1, 1, 0, 0), snapshot(3, 2, 0, 1, 0)]
        self.assertEqual(["reordered"], kinds(judge.reordered(history, seen)))

    def test_same_position_shows_something_else(self):
        self.assertEqual([], judge.positions([snapshot(1, 1, 2, 1, 1, position=7), snapshot(2, 1, 1, 3, 1, position=7)]))
        self.assertEqual(["reordered"], kinds(judge.positions([
            snapshot(1, 1, 0, 1, 1, position=7), snapshot(2, 1, 0, 1, 2, position=7)])))
        self.assertEqual(["reordered"], kinds(judge.positions([
            snapshot(1, 1, 0, 1, 2, position=7), snapshot(2, 1, 0, 1, 1, position=8)])))


class GoneAgain(unittest.TestCase):
    def test_others_transaction(self):
        seen = [snapshot(1, 1, 0, 2, 0), snapshot(1, 2, 0, 1, 0)]
        self.assertEqual(["went back"], kinds(judge.went_back(seen)))
        self.assertEqual([], judge.went_back(list(reversed(seen[:1]))))

    def test_position(self):
        self.assertEqual(["went back"], kinds(judge.went_back([
            snapshot(1, 1, 0, 0, 0, position=5), snapshot(1, 2, 0, 0, 0, position=4)])))

    def test_own_write_that_was_acknowledged_before(self):
        history = history_of(*plain(2, 0, 0))
        self.assertEqual([], judge.own_vanished(history, [snapshot(1, 2, 1, 0, 0)]))
        self.assertEqual(["vanished"], kinds(judge.own_vanished(history, [snapshot(1, 3, 1, 0, 0)])))
        self.assertEqual([], judge.own_vanished(history, [snapshot(2, 3, 1, 0, 0)]))

    def test_number_given_twice(self):
        lines = [{"t": "tx", "o": 1, "n": 1, "uid": u, "seen": {}, "effects": [], "ops": [], "kinds": []} for u in "ab"]
        lines += [{"t": "ack", "uid": u, "at": 1.0} for u in "ab"]
        self.assertEqual(["vanished"], kinds(committed((1,), lines, {})[1]))

    def test_newer_row_replaced_by_an_older_image(self):
        old, new = Op("contested", 5, "old"), Op("contested", 5, "new", ("old",))
        history = history_of(tx(1, 1, ops=[old]), tx(2, 1, {1: 1}, ops=[new]))
        shows_old = [("contested", 5, "old")]
        self.assertEqual([], judge.stale(history, [snapshot(3, 2, 1, 0, 0, values=shows_old)]))
        self.assertEqual(["stale"], kinds(judge.stale(history, [snapshot(3, 2, 1, 1, 0, values=shows_old)])))

    def test_deleted_row_visible_with_its_deletion(self):
        history = history_of(tx(1, 1, ops=[Op("name", 5, "row")]), tx(1, 2, ops=[Op("name", 5, "gone", ("row",), False)]))
        self.assertEqual(["stale"], kinds(judge.stale(history, [snapshot(1, 2, 2, 0, 0, values=[("name", 5, "row")])])))


class Barriers(unittest.TestCase):
    def test_commit_from_before_it_must_be_there(self):
        history = history_of(*plain(1, 1, 0))
        passed = [Passed(3, 1.5, 2.5)]
        self.assertEqual([], judge.barriers(history, [snapshot(3, 2, 0, 0, 0), snapshot(3, 3, 1, 1, 0)], passed))
        self.assertEqual(["late"], kinds(judge.barriers(history, [snapshot(3, 3, 1, 0, 0)], passed)))
        self.assertEqual(["late"], kinds(judge.barriers(history, [snapshot(2, 3, 0, 1, 0)], [Passed(1, 1.5, 2.5)])))


class Lost(unittest.TestCase):
    def lines(self, acknowledged):
        lines = [{"t": "tx", "o": 1, "n": 1, "uid": "a", "seen": {}, "effects": [], "ops": [], "kinds": []}]
        return lines + ([{"t": "ack", "uid": "a", "at": 1.0}] if acknowledged else [])

    def test_acknowledged_transaction_missing_on_one_node(self):
        self.assertEqual([], committed((1, 2), self.lines(True), {1: {(1, 1): "a"}, 2: {(1, 1): "a"}})[1])
        self.assertEqual(["lost"], kinds(committed((1, 2), self.lines(True), {1: {(1, 1): "a"}, 2: {}})[1]))

    def test_not_acknowledged_counts_when_it_is_in_a_file(self):
        history, wrong = committed((1, 2), self.lines(False), {1: {}, 2: {}})
        self.assertEqual(([], []), (history.by_origin[1], wrong))
        history, wrong = committed((1, 2), self.lines(False), {1: {(1, 1): "a"}, 2: {}})
        self.assertEqual((1, ["lost"]), (len(history.by_origin[1]), kinds(wrong)))

    def test_row_that_nobody_wrote(self):
        self.assertEqual(["invented"], kinds(committed((1, 2), [], {1: {(1, 1): "z"}})[1]))

    def test_another_transaction_in_its_place(self):
        self.assertEqual(["lost"], kinds(committed((1, 2), self.lines(True), {1: {(1, 1): "b"}})[1]))

    def test_number_left_out(self):
        lines = self.lines(True)
        lines[0]["n"] = 2
        self.assertEqual(["hole"], kinds(committed((1,), lines, {})[1]))


class Fates(unittest.TestCase):
    def setUp(self):
        self.first = Op("contested", 5, "first")
        self.history = history_of(tx(1, 1, ops=[self.first]), tx(2, 1, ops=[Op("contested", 5, "second")]))
        self.entry = fates.Conflict("contested", "first", 2, "OVERWRITTEN")

    def test_loser_in_the_conflict_log_of_every_node(self):
        alive = {1: {"second"}, 2: {"second"}}
        self.assertEqual([], fates.lost(self.history, alive, {1: [self.entry], 2: [self.entry]}))
        (anomaly,) = fates.lost(self.history, alive, {1: [self.entry], 2: []})
        self.assertIn("conflict log of nodes [2]", anomaly.text)

    def test_replaced_by_who_had_seen_it(self):
        history = history_of(tx(1, 1, ops=[self.first]), tx(2, 1, {1: 1}, [], [Op("contested", 5, "b", ("first",))]))
        self.assertEqual([], fates.lost(history, {1: {"b"}}, {1: []}))

    def test_conflict_where_the_winner_had_seen_the_loser(self):
        seen = history_of(tx(1, 1, ops=[self.first]), tx(2, 1, {1: 1}, [], [Op("contested", 5, "b", ("first",))]))
        self.assertEqual(["false conflict"], kinds(fates.false_conflicts(seen, {1: [self.entry]})))
        self.assertEqual([], fates.false_conflicts(self.history, {1: [self.entry]}))

    def test_conflict_with_a_node_that_did_not_write_the_row(self):
        other = fates.Conflict("contested", "first", 3, "OVERWRITTEN")
        self.assertEqual(["false conflict"], kinds(fates.false_conflicts(self.history, {1: [other]})))

    def test_conflict_about_a_row_of_one_writer(self):
        other = fates.Conflict("counter", "?", 2, "OVERWRITTEN")
        self.assertEqual(["false conflict"], kinds(fates.false_conflicts(self.history, {1: [other]})))

    def test_same_unique_value_competes(self):
        history = history_of(tx(1, 1, ops=[Op("name", 5, "first", unique=("a", 1))]),
                             tx(2, 1, ops=[Op("name", 6, "second", unique=("b", 1))]),
                             tx(3, 1, ops=[Op("name", 7, "third", unique=("b", 2))]))
        entry = fates.Conflict("name", "first", 2, "DISPLACED")
        self.assertEqual([], fates.false_conflicts(history, {1: [entry]}))
        entry = fates.Conflict("name", "first", 3, "DISPLACED")
        self.assertEqual(["false conflict"], kinds(fates.false_conflicts(history, {1: [entry]})))

    def test_unequal_logs(self):
        other = fates.Conflict("contested", "first", 2, "OVERWRITTEN", 1, 7)
        self.assertEqual(kinds(fates.unequal_logs({1: [other], 2: [other]})), [])
        self.assertEqual(kinds(fates.unequal_logs({1: [other], 2: []})), ["unequal log"])
        self.assertEqual(kinds(fates.unequal_logs({1: [other, other], 2: [other]})), ["unequal log"])

    def test_unequal_files(self):
        equal = {1: {"t": [(("int", 1),)]}, 2: {"t": [(("int", 1),)]}}
        self.assertEqual([], fates.unequal(equal))
        other = {1: {"t": [(("int", 1),)]}, 2: {"t": [(("float", 1),)]}}
        self.assertEqual(["unequal"], kinds(fates.unequal(other)))
        self.assertEqual(["unequal"], kinds(fates.unequal({1: {"t": []}, 2: {}, 3: {"t": [(("int", 1),)]}})))


if __name__ == "__main__":
    unittest.main()
