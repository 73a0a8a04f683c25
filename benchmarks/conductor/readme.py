"""The three rows for README.md that tell most; they are put there by hand."""

from conductor.tables import Table, number

RIVALS = ("raw Beast", "libcurl multi", "@wix/sdk")
NOTHING = "–"


def readme_rows(records):
    """A table of this SDK beside its rivals. `records` are those of results.json, of all benchmarks."""
    table = Table("", "this SDK", *RIVALS)
    for title, cell in (
        ("1 000 callers meet an expired token", _renewal),
        ("CPU of a JSON call, 64 at a time over TLS", _call),
        ("1 000 first calls of one session", _visitors),
    ):
        table.row(title, cell(records, "wix::"), *(cell(records, rival) for rival in RIVALS))
    return table


def _renewal(records, subject):
    exchanges = _median(records, "concurrent_renewal", subject, ("exchanges",), 1000)
    if exchanges is None:
        return NOTHING
    time = _record(records, "concurrent_renewal", subject, ("time", "wall time", "complete"), 1000)
    told = f"{number(exchanges, 0)} {'exchange' if exchanges == 1 else 'exchanges'}"
    return told if time is None else f"{told}, {number(time.median, 0)} {time.unit}"


def _call(records, subject):
    record = _record(records, "calls", subject, ("client CPU", "CPU"), 64, tls=True)
    return NOTHING if record is None else f"{number(record.median, 1)} {record.unit.partition('/')[0]}"


def _visitors(records, subject):
    visitors = _median(records, "first_visitors", subject, ("visitors",), 1000)
    return NOTHING if visitors is None else f"{number(visitors, 0)} {'visitor' if visitors == 1 else 'visitors'}"


def _record(records, benchmark, subject, metrics, count, **conditions):
    """The first record of that subject, or of one whose name begins so with "wix::", at N = `count`."""
    for metric in metrics:
        for record in records:
            mine = record.subject == subject or (subject == "wix::" and record.subject.startswith(subject))
            kept = all(record.parameters.get(name, value) == value for name, value in conditions.items())
            numbers = [v for v in record.parameters.values() if isinstance(v, (int, float)) and not isinstance(v, bool)]
            if record.benchmark == benchmark and mine and record.metric == metric and kept and count in numbers:
                return record
    return None


def _median(records, *wanted):
    record = _record(records, *wanted)
    return record.median if record else None
