import json
import unittest

import conducted  # noqa: F401
from conducted import record

from conductor.samples import Records, Samples
from questions import cold_start, sessions


class MeasuredBench:
    """Returns given samples instead of running programs."""

    def __init__(self, *lines):
        self.samples = Samples("cold_start")
        self._lines = lines

    def rounds(self, usual=5):
        return usual

    def measure(self, *_, **__):
        for subject, parameters, metric, value in self._lines:
            line = {"subject": subject, "parameters": parameters, "metric": metric, "unit": "", "value": value}
            self.samples.add_line(json.dumps(line))


def verdicts(question, records, part):
    return [target.verdict for target in question.targets(Records(records)) if part in target.what]


class BurstTest(unittest.TestCase):
    def burst(self, fast, slow, look_ups=1, failed=0):
        lines = []
        for delay, millis in ((0, fast), (200, slow)):
            at = {"calls": 64, "lookUp": delay}
            lines.append(("wix::Client", at, "time of a burst", millis))
            lines.append(("wix::Client", at, "look-ups", look_ups))
            lines.append(("wix::Client", at, "failed calls", failed))
        bench = MeasuredBench(*lines)
        cold_start.measure_bursts(bench)
        return bench.samples.records()

    def test_only_the_time_beyond_the_look_up_counts(self):
        self.assertEqual(verdicts(cold_start, self.burst(100, 314), "time with"), ["reached"])
        self.assertEqual(verdicts(cold_start, self.burst(100, 316), "time with"), ["missed"])

    def test_a_second_look_up_and_a_failed_call_are_wrong(self):
        self.assertEqual(verdicts(cold_start, self.burst(100, 300), "look-ups"), ["reached", "reached"])
        self.assertEqual(verdicts(cold_start, self.burst(100, 300, look_ups=2), "look-ups"), ["wrong", "wrong"])
        self.assertEqual(verdicts(cold_start, self.burst(100, 300, failed=1), "failed calls"), ["wrong"])


class SessionsTest(unittest.TestCase):
    def test_new_visitors_have_two_seconds(self):
        at = {"visitors": 300, "fsync": 20}
        for seconds, verdict in ((2, "reached"), (2.01, "missed")):
            records = [record("sessions", "wix::VisitorSessions", "time until all are stored", seconds, "s", **at)]
            self.assertEqual(verdicts(sessions, records, "new visitors are stored"), [verdict])

    def test_one_visitor_that_is_not_stored_is_wrong_in_a_smoke_run_too(self):
        at = {"visitors": 30, "fsync": 20}
        records = [record("sessions", "wix::VisitorSessions", "visitors not stored", 1, **at)]
        self.assertEqual(verdicts(sessions, records, "not stored"), ["wrong"])

    def test_uploads_may_add_five_megabytes(self):
        for added, verdict in ((-1, "reached"), (5, "reached"), (5.1, "missed")):
            at = {"uploads": 48, "tls": True}
            records = [record("sessions", "wix::Client", "resident memory added by uploads", added, "MB", **at)]
            self.assertEqual(verdicts(sessions, records, "resident memory"), [verdict, "not measured"])


if __name__ == "__main__":
    unittest.main()
