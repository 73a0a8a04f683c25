"""Many callers at once: programs that make such crowds of calls when they are told to, against one fake Wix.

Such a program is a contender that understands

    prepare N   makes a new visitor, and N calls of it at once (1 000 at most) with a valid token: it then has the
                connections that its defaults give it for so many
    renew N     N calls at once by that visitor, whose access token has expired: {"millis": ..., "cpuMicros": ...}
    begin N     the same by a client without tokens
    tokens N    N callers at once that want their tokens alone, and make no call; the C++ program only

cpuMicros is user and system time of its whole process; millis ends with the last answer, or when the last
caller has its tokens.
"""

from conductor import peers, processes, servers
from conductor.contender import Contender

SDK = "wix::Client"
JAVASCRIPT = "@wix/sdk"
EVERY = "naive: every caller renews"
LOCK = "naive: a lock across the exchange"
EXCHANGE_MS = 50

WITHOUT_CALLS = {"wants": "token"}  # what samples of "tokens" have beside the number of callers

_DESIGNS = {SDK: "client", EVERY: "every", LOCK: "lock"}


def start(bench, fake, name):
    """The program of one subject; None if it is not installed."""
    if name in _DESIGNS:
        command = [bench.program("renewal_callers"), fake.url, fake.ca_file, _DESIGNS[name]]
        environment = {}
    else:
        folder, why = peers.install(bench.build)
        if folder is None:
            bench.leave_out(name, why)
            return None
        command = [*peers.command(folder, peers.PEERS / "renewal_callers.mjs"), fake.url]
        environment = {"NODE_EXTRA_CA_CERTS": fake.ca_file}
    return Contender(name, command, environment, core=processes.FIRST if bench.pin else None)


def measure(samples, fake, contender, what, callers):
    """One crowd that does `what`: "renew", "begin" or "tokens". Counts are the fake's."""
    at_first = fake.state()
    contender.ask(f"prepare {callers}")
    before = fake.state()
    done = contender.ask(f"{what} {callers}")
    after = fake.state()
    # Whoever renews has had a visitor; who begins has none yet.
    begun = before if what == "begin" else at_first
    parameters = {"callers": callers, **(WITHOUT_CALLS if what == "tokens" else {})}
    for metric, unit, value in (
        ("exchanges", "count", _exchanges(after) - _exchanges(before)),
        ("visitors", "count", after["visitors"] - begun["visitors"]),
        ("time", "ms", done["millis"]),
        ("client CPU", "ms", done["cpuMicros"] / 1000),
    ):
        samples.add(contender.name, parameters, metric, unit, value)


def in_turns(bench, what, crowds):
    """All subjects against one fake, whose token endpoint takes 50 ms. `crowds`: subject to its numbers of callers.

    From 100 000 on three rounds are enough.
    """
    contenders = {}
    with servers.fake(bench) as fake:
        fake.configure(delay={"token": EXCHANGE_MS})
        try:
            for name in crowds:
                contender = start(bench, fake, name)
                if contender:
                    contenders[name] = contender
            for turn in range(bench.rounds()):
                order = list(contenders.values())
                if turn % 2 == 1:
                    order.reverse()
                for callers in sorted({n for numbers in crowds.values() for n in numbers}):
                    if callers >= 100_000 and turn >= 3:
                        continue
                    for contender in order:
                        if callers in crowds[contender.name]:
                            measure(bench.samples, fake, contender, what, callers)
        finally:
            for contender in contenders.values():
                contender.close()


def _exchanges(state):
    return sum(state["tokens"].values())
