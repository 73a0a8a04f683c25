"""A token has expired, and many callers come at once."""

from conductor import crowd
from conductor.crowd import EVERY, JAVASCRIPT, LOCK, SDK
from conductor.tables import Table, number, spread
from conductor.targets import at_least, at_most, exactly

NAME = "concurrent_renewal"
QUESTION = "A token has expired and many callers come at once: what does it cost until each has its answer?"
CAVEAT = """
Complete calls: each caller asks for a product as JSON and ends when it has the parsed answer; the token endpoint takes
50 ms. All subjects call the same fake Wix, a process of its own that counts; it is part of the time, for all but the
JavaScript SDK about as much as the client. Before each crowd its program makes as many calls with a valid token, so that everyone
has the connections that its defaults give it: Node's fetch opens one for each call under way, the SDK's transport keeps to
64, and the naive designs share that transport, which also allows 32 token requests at a time. "visitors" includes the
one whose token has expired. The JavaScript SDK renews with each caller; that its server gives the same refresh token to
all is the fake's kindness. Client CPU is that of the whole client process.

The second table is of callers that wait for the token alone, while the answer is held until all of them wait. Its floor is
a handler posted for each, through a work-tracked `any_io_executor` of its own, as the SDK has to. A caller that has
waited is not in the cache, so each handler of the floor owns a block of the size of a coroutine that waits for a timer
(not of our waiter: a fat one would raise its own floor), writes to each of its cache lines and frees it. Beside it are a
floor without blocks, and one whose handlers copy the tokens as well, since a caller gets strings of its own.
"""

SUBJECTS = (SDK, JAVASCRIPT, LOCK, EVERY)
CPU = "CPU beyond the exchange"
FLOOR = "posting handlers"
COPYING = "posting handlers that copy the tokens"
BARE = "posting handlers without a block"
EXCHANGES = "exchanges for waiters"
MEMORY = "memory of a waiter"
CANCELLING = "cancelling one"


def run(bench):
    few = (1, 10, 100)
    thousand = few if bench.smoke else (*few, 1_000)
    many = few if bench.smoke else (*thousand, 10_000)
    crowd.in_turns(bench, "renew", {SDK: many, JAVASCRIPT: thousand, LOCK: many, EVERY: thousand})
    for callers in many:
        for rival in (JAVASCRIPT, LOCK, EVERY):
            _add_speedup(bench.samples, rival, callers)

    bench.measure("renewal_waiting")
    samples = bench.samples
    for rival in (FLOOR, COPYING):
        for callers in (10_000, 100_000):
            samples.add_ratios(SDK, rival, CPU, callers=callers)
    at_timer = samples.values("a coroutine at a timer", MEMORY, callers=10_000)
    beyond = zip(samples.values(SDK, MEMORY, callers=10_000), at_timer)
    for waiter, timer in beyond:
        samples.add(SDK, {"callers": 10_000}, f"{MEMORY} beyond a coroutine at a timer", "bytes", waiter - timer)
    cancelled = zip(samples.values(SDK, CANCELLING, callers=10_000), samples.values(SDK, CANCELLING, callers=100))
    for among_many, among_few in cancelled:
        samples.add(SDK, {}, "cancelling one among 10 000 / among 100", "ratio", among_many / among_few)


def targets(records):
    def worst(metric):
        counts = [r for r in records if r.subject == SDK and r.metric == metric]
        return (max(r.max for r in counts), min(r.min for r in counts)) if counts else (None, None)

    made = []
    for metric, of in (("exchanges", "calls"), (EXCHANGES, "waiters"), ("visitors", "calls")):
        most, fewest = worst(metric)
        made.append(exactly(f"{metric.split()[0]} for any number of {of}, the most", most, 1))
        made.append(exactly(f"{metric.split()[0]} for any number of {of}, the fewest", fewest, 1))
    return [
        *made,
        at_least(
            f"1 000 callers: time of {JAVASCRIPT} / of {SDK}",
            records.median(SDK, f"time of {JAVASCRIPT} / own", callers=1_000),
            10,
        ),
        at_most(
            "10 000 waiters: CPU beyond the exchange / posting 10 000 handlers",
            records.median(SDK, f"{CPU} / {FLOOR}", callers=10_000),
            3,
        ),
        at_most(
            "bytes of a waiter beyond a coroutine at a timer",
            records.median(SDK, f"{MEMORY} beyond a coroutine at a timer", callers=10_000),
            921,
        ),
        at_most(
            "cancelling one waiter among 10 000 / among 100",
            records.median(SDK, "cancelling one among 10 000 / among 100"),
            1.5,
        ),
    ]


def tables(records):
    calls = Table(
        "calls of an expired session", "callers", "exchanges", "visitors", "last answer ms", "client CPU ms", "time / SDK's"
    )
    for subject in SUBJECTS:
        for callers, exchanges in records.line(subject, "exchanges", "callers"):
            at = {"callers": callers}
            calls.row(
                subject,
                number(callers, 0),
                number(exchanges, 0),
                number(records.median(subject, "visitors", **at), 0),
                spread(records.find(subject, "time", **at), 1),
                number(records.median(subject, "client CPU", **at), 1),
                spread(records.find(SDK, f"time of {subject} / own", **at), 1),
            )
    waiting = Table(
        "callers that wait",
        "exchanges",
        "CPU beyond the exchange ms",
        "/ posting as many handlers",
        "/ such that copy the tokens",
        "posting alone, without blocks ms",
        "bytes of one",
        "cancelling one µs",
    )
    for callers, cpu in records.line(SDK, CPU, "callers"):
        at = {"callers": callers}
        waiting.row(
            number(callers, 0),
            number(records.median(SDK, EXCHANGES, **at), 0),
            number(cpu),
            spread(records.find(SDK, f"{CPU} / {FLOOR}", **at)),
            spread(records.find(SDK, f"{CPU} / {COPYING}", **at)),
            number(records.median(BARE, CPU, **at)),
            number(records.median(SDK, MEMORY, **at), 0),
            number(records.median(SDK, CANCELLING, **at), 1),
        )
    return [calls, waiting]


def charts(records):
    from conductor.charts import Lines

    def lines(metric):
        series = {subject: records.line(subject, metric, "callers") for subject in SUBJECTS}
        return {subject: line for subject, line in series.items() if line}

    return [
        Lines(
            "Callers on an expired token: until the last has its answer",
            "callers",
            "ms",
            lines("time"),
            "The token endpoint takes 50 ms.",
        ),
        Lines("Callers on an expired token: token exchanges", "callers", "exchanges", lines("exchanges")),
    ]


def _add_speedup(samples, rival, callers):
    """How many times as long a rival takes, round by round."""
    ours = samples.values(SDK, "time", callers=callers)
    for own, other in zip(ours, samples.values(rival, "time", callers=callers)):
        samples.add(SDK, {"callers": callers}, f"time of {rival} / own", "ratio", other / own)
