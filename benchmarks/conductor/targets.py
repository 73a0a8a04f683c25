"""What a benchmark is to reach, and whether a run did."""

from dataclasses import dataclass


@dataclass
class Target:
    what: str
    measured: float | None  # None: not measured in this run
    wanted: float
    kind: str

    @property
    def verdict(self):
        if self.measured is None:
            return "not measured"
        kept = {
            "at most": self.measured <= self.wanted,
            "at least": self.measured >= self.wanted,
            "exactly": self.measured == self.wanted,
        }[self.kind]
        if kept:
            return "reached"
        return "wrong" if self.kind == "exactly" else "missed"


def at_most(what, measured, wanted):
    """A ratio or a time. It differs from run to run: a miss is told, and fails nothing."""
    return Target(what, measured, wanted, "at most")


def at_least(what, measured, wanted):
    """The same, where more is better."""
    return Target(what, measured, wanted, "at least")


def exactly(what, measured, wanted):
    """A count, the same in every run: one that is wrong fails the run."""
    return Target(what, measured, wanted, "exactly")
