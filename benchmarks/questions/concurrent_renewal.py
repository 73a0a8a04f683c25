"""A token has expired, and many callers come at once."""

from conductor import crowd
from conductor.crowd import EVERY, EXCHANGE_MS, JAVASCRIPT, LOCK, SDK, WITHOUT_CALLS
from conductor.tables import Table, number, spread
from conductor.targets import at_least, at_most, exactly

NAME = "concurrent_renewal"
QUESTION = "A token has expired and many callers come at once: what does it cost until each has its answer?"
CAVEAT = """
The first table is of callers that want their token alone, and make no call. Time begins with the callers, and ends when
the last of them has its tokens; what is beyond the 50 ms of the token endpoint is the client's, the network's and the
fake's. Where every caller renews it ends at 1 000 callers: the transport, which all designs share, allows 32 token
requests at a time, so that 10 000 would take 16 s. There each caller has a client of its own; the client is not in the
bytes of a waiter, what it begins for a renewal is. Bytes, and the time to cancel one among so many, are of crowds whose
answer is held until all of them wait; for both, so few callers are left out that they would not tell. A lock is the
SDK's equal in the number of exchanges as long as its renewal succeeds and nobody else than these callers renews. It
hands the tokens on from one caller to the next, and has to look through its queue for one that is cancelled.

The second table is of complete calls: each caller asks for a product as JSON and ends when it has the parsed answer.
All subjects call the same fake Wix, a process of its own that counts; it is part of the time, for all but the
JavaScript SDK about as much as the client. Before each crowd its program makes as many calls with a valid token, so
that everyone has the connections that its defaults give it: Node's fetch opens one for each call under way, the SDK's
transport keeps to 64, and the naive designs share that transport, which also allows 32 token requests at a time.
"visitors" includes the one whose token has expired. The JavaScript SDK renews with each caller; that its server gives
the same refresh token to all is the fake's kindness. Client CPU is that of the whole client process.

The third table is of callers that wait for the token alone, while the answer is held until all of them wait. Its floor
is a handler posted for each, through a work-tracked `any_io_executor` of its own, as the SDK has to. A caller that has
waited is not in the cache, so each handler of the floor owns a block of the size of a coroutine that waits for a timer
(not of our waiter: a fat one would raise its own floor), writes to each of its cache lines and frees it. Beside it are
a floor without blocks (bare posting), and one whose handlers copy the tokens as well, since a caller gets strings of its
own. What bare posting leaves out is what each caller has beside its handler: a coroutine's frame that is resumed and
freed, and its own copy of the tokens. More than three times of it is to be expected.
"""

SUBJECTS = (SDK, JAVASCRIPT, LOCK, EVERY)
DESIGNS = (SDK, LOCK, EVERY)
CPU = "CPU beyond the exchange"
FLOOR = "posting handlers"
COPYING = "posting handlers that copy the tokens"
BARE = "posting handlers without a block"
EXCHANGES = "exchanges for waiters"
MEMORY = "memory of a waiter"
CANCELLING = "cancelling one"
BEYOND = "time beyond the exchange"


def run(bench):
    few = (1, 10, 100)
    thousand = few if bench.smoke else (*few, 1_000)
    many = few if bench.smoke else (*thousand, 10_000)
    most = few if bench.smoke else (*many, 100_000)
    crowd.in_turns(bench, "tokens", {SDK: most, LOCK: most, EVERY: thousand})
    for subject, numbers in ((SDK, most), (LOCK, most), (EVERY, thousand)):
        for callers in numbers:
            at = {"callers": callers, **WITHOUT_CALLS}
            for time in bench.samples.values(subject, "time", **at):
                bench.samples.add(subject, at, BEYOND, "ms", time - EXCHANGE_MS)

    crowd.in_turns(bench, "renew", {SDK: many, JAVASCRIPT: thousand, LOCK: many, EVERY: thousand})
    for callers in many:
        for rival in (JAVASCRIPT, LOCK, EVERY):
            _add_speedup(bench.samples, rival, callers)

    bench.measure("renewal_waiting")
    samples = bench.samples
    for rival in (FLOOR, COPYING, BARE):
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
    def worst(metric, wants):
        counts = [r for r in records if r.subject == SDK and r.metric == metric and r.parameters.get("wants") == wants]
        return (max(r.max for r in counts), min(r.min for r in counts)) if counts else (None, None)

    made = []
    for metric, of, wants in (
        ("exchanges", "callers that only want their token", "token"),
        ("visitors", "callers that only want their token", "token"),
        (EXCHANGES, "waiters", None),
        ("exchanges", "calls", None),
        ("visitors", "calls", None),
    ):
        most, fewest = worst(metric, wants)
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
            "10 000 waiters: CPU beyond the exchange / bare posting",
            records.median(SDK, f"{CPU} / {BARE}", callers=10_000),
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
    return [_tokens(records), _calls(records), _waiting(records)]


def _tokens(records):
    table = Table(
        "callers that want their token",
        "callers",
        "exchanges",
        "visitors",
        "last token ms",
        "beyond the exchange ms",
        "bytes of a waiter",
        "cancelling one µs",
    )
    for subject in DESIGNS:
        for callers, exchanges in records.line(subject, "exchanges", "callers", **WITHOUT_CALLS):
            at = {"callers": callers, **WITHOUT_CALLS}
            table.row(
                subject,
                number(callers, 0),
                number(exchanges, 0),
                number(records.median(subject, "visitors", **at), 0),
                spread(records.find(subject, "time", **at), 1),
                number(records.median(subject, BEYOND, **at), 1),
                number(records.median(subject, MEMORY, callers=callers), 0),
                number(records.median(subject, CANCELLING, callers=callers), 1),
            )
    return table


def _calls(records):
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
    return calls


def _waiting(records):
    waiting = Table(
        "callers that wait",
        "exchanges",
        "CPU beyond the exchange ms",
        "/ posting as many handlers",
        "/ such that copy the tokens",
        "/ bare posting",
        "bare posting ms",
        "a lock's CPU ms",
    )
    for callers, cpu in records.line(SDK, CPU, "callers"):
        at = {"callers": callers}
        waiting.row(
            number(callers, 0),
            number(records.median(SDK, EXCHANGES, **at), 0),
            number(cpu),
            spread(records.find(SDK, f"{CPU} / {FLOOR}", **at)),
            spread(records.find(SDK, f"{CPU} / {COPYING}", **at)),
            spread(records.find(SDK, f"{CPU} / {BARE}", **at)),
            number(records.median(BARE, CPU, **at)),
            number(records.median(LOCK, CPU, **at)),
        )
    return waiting


def charts(records):
    from conductor.charts import Lines

    def lines(metric, **parameters):
        series = {subject: records.line(subject, metric, "callers", **parameters) for subject in SUBJECTS}
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
        Lines(
            "Callers that want their token alone: until the last has it",
            "callers",
            "ms",
            lines("time", **WITHOUT_CALLS),
            f"The token endpoint takes {EXCHANGE_MS} ms.",
        ),
    ]


def _add_speedup(samples, rival, callers):
    """How many times as long a rival takes, round by round."""
    ours = samples.values(SDK, "time", callers=callers)
    for own, other in zip(ours, samples.values(rival, "time", callers=callers)):
        samples.add(SDK, {"callers": callers}, f"time of {rival} / own", "ratio", other / own)
