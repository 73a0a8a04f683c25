import json
import unittest
from dataclasses import asdict

import conducted  # noqa: F401

from conductor.samples import Records, Samples
from conductor.tables import Table, number, spread


class SamplesTest(unittest.TestCase):
    def setUp(self):
        self.samples = Samples("calls")

    def test_rounds_become_one_record(self):
        for value in (90, 10, 20):
            self.samples.add("raw Beast", {"connections": 64, "tls": True}, "CPU", "µs", value)
        (record,) = self.samples.records()
        self.assertEqual(
            asdict(record),
            {
                "benchmark": "calls",
                "subject": "raw Beast",
                "parameters": {"connections": 64, "tls": True},
                "metric": "CPU",
                "unit": "µs",
                "median": 20,
                "min": 10,
                "max": 90,
                "rounds": 3,
            },
        )

    def test_the_order_of_parameters_is_no_difference(self):
        self.samples.add("a", {"x": 1, "y": 2}, "m", "ms", 1)
        self.samples.add("a", {"y": 2, "x": 1}, "m", "ms", 3)
        self.assertEqual([r.rounds for r in self.samples.records()], [2])
        self.assertEqual(self.samples.values("a", "m", y=2, x=1), [1, 3])

    def test_other_parameters_metrics_and_units_are_records_of_their_own(self):
        for parameters, metric, unit in (({}, "m", "ms"), ({"x": 1}, "m", "ms"), ({}, "n", "ms"), ({}, "m", "s")):
            self.samples.add("a", parameters, metric, unit, 1)
        self.assertEqual(len(self.samples.records()), 4)

    def test_a_line_of_a_program(self):
        line = {"subject": "a", "metric": "m", "unit": "", "value": 3}
        self.samples.add_line(json.dumps(line))
        self.samples.add_line(json.dumps({**line, "parameters": {"n": 1}, "value": 2}))
        self.assertEqual(self.samples.values("a", "m", n=1), [2])
        self.assertEqual(self.samples.values("a", "m"), [3])
        with self.assertRaises(ValueError):
            self.samples.add_line("not JSON")

    def test_ratios_are_taken_round_by_round(self):
        for ours, theirs in ((10, 5), (90, 30), (8, 2)):  # the machine was busy in the second round
            self.samples.add("wix::Client", {"n": 1}, "CPU", "µs", ours)
            self.samples.add("raw Beast", {"n": 1}, "CPU", "µs", theirs)
        self.samples.add_ratios("wix::Client", "raw Beast", "CPU", n=1)
        record = Records(self.samples.records()).find("wix::Client", "CPU / raw Beast", n=1)
        self.assertEqual((record.median, record.min, record.max, record.unit), (3, 2, 4, "ratio"))

    def test_a_rival_that_was_not_measured_gives_no_ratio(self):
        self.samples.add("wix::Client", {}, "CPU", "µs", 10)
        self.samples.add("idle", {}, "CPU", "µs", 0)
        self.samples.add_ratios("wix::Client", "raw Beast", "CPU")
        self.samples.add_ratios("wix::Client", "idle", "CPU")
        self.assertEqual(len(self.samples.records()), 2)

    def test_another_metric_of_the_rival(self):
        self.samples.add("a", {}, "CPU", "µs", 10)
        self.samples.add("b", {}, "user", "µs", 4)
        self.samples.add_ratios("a", "b", "CPU", "user")
        self.assertEqual(self.samples.values("a", "CPU / b"), [2.5])


class RecordsTest(unittest.TestCase):
    def setUp(self):
        samples = Samples("s")
        for n, value in ((100, 3), (1, 1), (10, 2)):
            samples.add("a", {"n": n, "tls": True}, "m", "ms", value)
        samples.add("a", {"n": 1, "tls": False}, "m", "ms", 9)
        samples.add("b", {"n": 1, "tls": True}, "m", "ms", 8)
        self.records = Records(samples.records())

    def test_find(self):
        self.assertEqual(self.records.median("a", "m", n=1, tls=False), 9)
        self.assertIsNone(self.records.median("a", "m", n=1))
        self.assertIsNone(self.records.find("c", "m", n=1, tls=True))

    def test_a_line_over_a_parameter(self):
        self.assertEqual(self.records.line("a", "m", "n", tls=True), [(1, 1), (10, 2), (100, 3)])
        self.assertEqual(self.records.line("a", "m", "n", tls=False), [(1, 9)])
        self.assertEqual(self.records.line("a", "m", "n"), [])


class TablesTest(unittest.TestCase):
    def test_columns_are_aligned(self):
        table = Table("who", "ms")
        table.row("wix::Client", 1)
        table.row("b", None)
        lines = str(table).splitlines()
        self.assertEqual(lines[0], "| who         | ms |")
        self.assertEqual(lines[1], "|-------------|---:|")
        self.assertEqual(lines[2], "| wix::Client |  1 |")
        self.assertEqual(lines[3], "| b           |    |")

    def test_texts_may_be_in_more_columns(self):
        table = Table("a", "words", "n", left=2)
        table.row("b", "x", 1)
        self.assertEqual(str(table).splitlines()[1:], ["|---|-------|--:|", "| b | x     | 1 |"])

    def test_numbers(self):
        self.assertEqual(number(1234567.891, 1), "1 234 567.9")
        self.assertEqual(number(None), "")
        self.assertEqual(spread(None), "")
        self.assertEqual(spread(conducted.record("b", "s", "m", 1.5)), "1.50 (1.50–1.50)")


if __name__ == "__main__":
    unittest.main()
