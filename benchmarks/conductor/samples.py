"""What was measured: a value for each round, and the records that are made of them."""

import json
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Record:
    """One line of results.json."""

    benchmark: str
    subject: str  # who: "wix::Client", "raw Beast"
    parameters: dict  # under which conditions: {"connections": 64, "tls": True}
    metric: str  # what: "client CPU"
    unit: str  # "µs/call", "ratio", "count"
    median: float
    min: float
    max: float
    rounds: int


@dataclass
class Samples:
    """The values of one benchmark, in the order of the rounds."""

    benchmark: str
    _values: dict = field(default_factory=dict)

    def add(self, subject, parameters, metric, unit, value):
        self._values.setdefault((subject, _frozen(parameters), metric, unit), []).append(float(value))

    def add_line(self, line):
        """A sample as programs print it: a JSON object with subject, parameters, metric, unit and value."""
        sample = json.loads(line)
        self.add(sample["subject"], sample.get("parameters", {}), sample["metric"], sample["unit"], sample["value"])

    def values(self, subject, metric, **parameters):
        """By round; an empty list if there is none."""
        return [
            value
            for (s, p, m, _), values in self._values.items()
            if s == subject and m == metric and p == _frozen(parameters)
            for value in values
        ]

    def add_ratios(self, subject, rival, metric, rival_metric=None, **parameters):
        """Round by round, so that what disturbs a round disturbs both: a record "<metric> / <rival>" of `subject`.

        Adds nothing if one of the two was not measured.
        """
        ours = self.values(subject, metric, **parameters)
        theirs = self.values(rival, rival_metric or metric, **parameters)
        for value, other in zip(ours, theirs):
            if other > 0:
                self.add(subject, parameters, f"{metric} / {rival}", "ratio", value / other)

    def records(self):
        return [
            Record(self.benchmark, subject, dict(parameters), metric, unit, median(v), min(v), max(v), len(v))
            for (subject, parameters, metric, unit), v in self._values.items()
        ]


class Records:
    """The records of one benchmark, to be asked for."""

    def __init__(self, records):
        self._records = list(records)

    def __iter__(self):
        return iter(self._records)

    def find(self, subject, metric, **parameters):
        """The record, or None."""
        for record in self._records:
            if record.subject == subject and record.metric == metric and record.parameters == parameters:
                return record
        return None

    def median(self, subject, metric, **parameters):
        """The median, or None."""
        record = self.find(subject, metric, **parameters)
        return record.median if record else None

    def line(self, subject, metric, over, **parameters):
        """Medians against the parameter `over`, as pairs in its order."""
        return sorted(
            (record.parameters[over], record.median)
            for record in self._records
            if record.subject == subject
            and record.metric == metric
            and over in record.parameters
            and {k: v for k, v in record.parameters.items() if k != over} == parameters
        )


def _frozen(parameters):
    return tuple(sorted(parameters.items()))
