"""Lets the tests find benchmarks/, and a question that measures nothing real."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from conductor.charts import Bars, Lines  # noqa: E402
from conductor.samples import Record  # noqa: E402
from conductor.tables import Table, number  # noqa: E402
from conductor.targets import at_most, exactly  # noqa: E402


class Question:
    """As a module of benchmarks/questions."""

    QUESTION = "Is it quick, really?"
    CAVEAT = "\nIt says nothing.\n"

    def __init__(self, name="quick", time=1.5, count=1, action=None):
        self.NAME, self._time, self._count, self._action = name, time, count, action

    def run(self, bench):
        for _ in range(bench.rounds()):
            bench.samples.add("wix::Client", {"callers": 10}, "time", "ms", self._time)
            bench.samples.add("wix::Client", {"callers": 10}, "exchanges", "count", self._count)
        bench.leave_out("raw Beast", "it is not there")
        if self._action:
            self._action()

    def targets(self, records):
        return [
            at_most("time", records.median("wix::Client", "time", callers=10), 1),
            exactly("exchanges", records.median("wix::Client", "exchanges", callers=10), 1),
        ]

    def tables(self, records):
        table = Table("subject", "time ms")
        table.row("wix::Client", number(records.median("wix::Client", "time", callers=10)))
        return [table]

    def charts(self, records):
        line = records.line("wix::Client", "time", "callers")
        return [Lines("How long", "callers", "ms", {"wix::Client": line}), Bars("How much", "ms", [("wix::Client", 1)])]


def record(benchmark, subject, metric, value, unit="count", **parameters):
    return Record(benchmark, subject, parameters, metric, unit, value, value, value, 5)
