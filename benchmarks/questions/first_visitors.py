"""Many callers come at once before there is a session."""

from conductor import crowd
from conductor.crowd import JAVASCRIPT, SDK
from conductor.tables import Table, number, spread
from conductor.targets import exactly

NAME = "first_visitors"
QUESTION = "Many callers come at once before there are tokens: how many visitors do they become?"
CAVEAT = """
One client, and complete calls, as in concurrent_renewal. Each visitor has a cart of its own: what a caller puts into the
cart of another visitor than the one that the client keeps is lost with it. "sessions lost" are the visitors that were
made and that the client does not know any more.
"""


def run(bench):
    few = (1, 10, 100)
    thousand = few if bench.smoke else (*few, 1_000)
    many = few if bench.smoke else (*thousand, 10_000)
    crowd.in_turns(bench, "begin", {SDK: many, JAVASCRIPT: thousand})


def targets(records):
    made = []
    for callers, _ in records.line(SDK, "visitors", "callers"):
        record = records.find(SDK, "visitors", callers=callers)
        worst = record.min if record.min < 1 else record.max
        made.append(exactly(f"visitors, {number(callers, 0)} first calls", worst, 1))
    return made or [exactly("visitors", None, 1)]


def tables(records):
    table = Table("first calls", "callers", "visitors", "sessions lost", "exchanges", "last answer ms", "client CPU ms")
    for subject in (SDK, JAVASCRIPT):
        for callers, visitors in records.line(subject, "visitors", "callers"):
            at = {"callers": callers}
            table.row(
                subject,
                number(callers, 0),
                number(visitors, 0),
                number(visitors - 1, 0),
                number(records.median(subject, "exchanges", **at), 0),
                spread(records.find(subject, "time", **at), 1),
                number(records.median(subject, "client CPU", **at), 1),
            )
    return [table]


def charts(records):
    from conductor.charts import Lines

    series = {subject: records.line(subject, "visitors", "callers") for subject in (SDK, JAVASCRIPT)}
    return [
        Lines(
            "First calls at once: visitors that they become",
            "callers",
            "visitors",
            {subject: line for subject, line in series.items() if line},
            "One client; each visitor has a cart of its own.",
        ),
    ]
