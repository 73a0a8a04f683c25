"""The first call of a program that has nothing but a client id."""

import json
import subprocess
from urllib.parse import urlparse

from conductor import peers, processes, servers
from conductor.contender import Contender
from conductor.tables import Table, number, spread
from conductor.targets import at_most, exactly

NAME = "cold_start"
QUESTION = (
    "How long does the first response take, what does a new connection cost, "
    "and what does a slow name look-up add to 64 calls at once?"
)
CAVEAT = """
A proxy of ours holds every byte back for half a round trip of 50 ms, and counts flights: how often the client spoke
after it had been told something. It accepts at once, so the connect of TCP, one more round trip on a real line, is not
in the figures. All else is on this machine, and the fake Wix answers within a millisecond or two. With an edge host
(`useCDN`) the call goes elsewhere than the token request; that connection is opened while the token is on its way, and
its third flight, the call, waits for nothing of that host: the way to the answer is three round trips as well.

For @wix/sdk the clock starts when Node has loaded it, in a new process for each round, and its CPU is that of the process;
what Node loads with its first `fetch` is in both.

The cost of a connection is CPU of the client's thread for TCP, handshake, one call with a 760-byte token, and the end;
P-256, an intermediate certificate, the chain verified. The server closes after each answer, and resumes sessions or does
not. Raw Asio is coroutines that do just this, without deadlines, a pool or a second address to try.

A burst is 64 calls at once with a valid token, on a new transport without connections or known addresses. The name
look-up is a function that waits 0 or 200 ms and returns 127.0.0.1. The time ends with the last response. The two kinds
of burst take turns in one process. A busy machine wakes the waiting function late; "look-up took" shows by how much.
"""

OURS = "wix::Client"
BY_HAND = "raw Asio"
JAVASCRIPT = "@wix/sdk"
HOSTS = "token's host", "edge host"
ROUND_TRIP = 50
FULL, RESUMED = "full handshake, client CPU", "resumed handshake, client CPU"
BURST = 64
LOOK_UP_MS = 200
BURST_TIME, LOOK_UPS, FAILED = "time of a burst", "look-ups", "failed calls"
BEYOND_LOOK_UP = "time of a burst beyond the look-up / of a burst with a look-up of 0 ms"


def run(bench):
    bench.measure("cold_start")
    for tls in ("1.3", "1.2"):
        for subject in (OURS, BY_HAND):
            bench.samples.add_ratios(subject, subject, RESUMED, FULL, tls=tls)
        for metric in (FULL, RESUMED):
            bench.samples.add_ratios(OURS, BY_HAND, metric, tls=tls)
    measure_bursts(bench)
    ask_javascript(bench)


def measure_bursts(bench):
    bench.measure("cold_burst", rounds=bench.rounds(11))
    fast, slow = (bench.samples.values(OURS, BURST_TIME, calls=BURST, lookUp=delay) for delay in (0, LOOK_UP_MS))
    for without, with_look_up in zip(fast, slow):
        ratio = (with_look_up - LOOK_UP_MS) / without
        bench.samples.add(OURS, {"calls": BURST}, BEYOND_LOOK_UP, "ratio", ratio)


def ask_javascript(bench):
    """The same with @wix/sdk, in a new process for each round: a process keeps its connections."""
    folder, why_not = peers.install(bench.build)
    if folder is None:
        bench.leave_out(JAVASCRIPT, why_not)
        return
    parameters = {"hosts": 1, "rtt": ROUND_TRIP}
    script = peers.command(folder, peers.PEERS / "first_answer.mjs")
    with servers.fake(bench) as fake, DelayingProxy(bench, urlparse(fake.url).port) as proxy:
        trust = {"NODE_EXTRA_CA_CERTS": fake.ca_file}
        core = processes.FIRST if bench.pin else None
        for _ in range(bench.rounds()):
            with Contender(JAVASCRIPT, [*script, f"127.0.0.1:{proxy.port}"], trust, core=core) as program:
                answer = program.go(0)
                counts = proxy.counts()
            bench.samples.add(JAVASCRIPT, parameters, "time", "ms", answer["millis"])
            bench.samples.add(JAVASCRIPT, parameters, "round trips", "ratio", answer["millis"] / ROUND_TRIP)
            bench.samples.add(JAVASCRIPT, parameters, "client CPU", "µs", answer["cpuMicros"])
            bench.samples.add(JAVASCRIPT, parameters, "connections", "count", counts["connections"])
            bench.samples.add(JAVASCRIPT, parameters, "flights to the token's host", "count", counts["flights"])


class DelayingProxy:
    """Leads to a port of this machine until it is closed, or the conductor ends."""

    def __init__(self, bench, port):
        self._process = subprocess.Popen(
            [str(bench.program("delaying_proxy")), str(port), str(ROUND_TRIP)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=processes.child(),
        )
        self.port = json.loads(self._process.stdout.readline())["port"]

    def counts(self):
        """What has come since the last time."""
        self._process.stdin.write("counts\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def first(records, subject, metric, hosts):
    return records.find(subject, metric, hosts=hosts, rtt=ROUND_TRIP)


def first_median(records, subject, metric, hosts):
    record = first(records, subject, metric, hosts)
    return record.median if record else None


def edge_over_one_host(records):
    one, two = (first_median(records, OURS, "time", hosts) for hosts in (1, 2))
    return two / one if one and two else None


def resumed_over_full(records, subject, tls):
    return records.find(subject, f"{RESUMED} / {subject}", tls=tls)


def targets(records):
    ratio = resumed_over_full(records, OURS, "1.3")
    made = [
        exactly("flights on one host, TLS 1.3", first_median(records, OURS, "flights to the token's host", 1), 3),
        exactly("connections with an edge host", first_median(records, OURS, "connections", 2), 2),
        exactly("flights to the token's host beside it", first_median(records, OURS, "flights to the token's host", 2), 2),
        at_most("first answer with an edge host / on one host, time", edge_over_one_host(records), 1.1),
        at_most("resumed / full handshake, TLS 1.3, client CPU", ratio.median if ratio else None, 0.45),
    ]
    for kind, wanted in (("full", 0), ("resumed", 100)):
        for tls in ("1.3", "1.2"):
            measured = records.median(OURS, f"{kind} handshake, sessions resumed", tls=tls)
            made.append(exactly(f"{kind} handshakes, TLS {tls}: resumed, %", measured, wanted))
    return made + burst_targets(records)


def burst_targets(records):
    def of_bursts(metric, choose):
        found = [record for record in records if record.subject == OURS and record.metric == metric]
        return choose(choose(record.min, record.max) for record in found) if found else None

    what = f"{BURST} calls at once on a cold pool"
    return [
        at_most(
            f"{what}: (time with a look-up of {LOOK_UP_MS} ms - {LOOK_UP_MS} ms) / time with one of 0 ms",
            records.median(OURS, BEYOND_LOOK_UP, calls=BURST),
            1.15,
        ),
        exactly(f"{what}: look-ups, the most", of_bursts(LOOK_UPS, max), 1),
        exactly(f"{what}: look-ups, the fewest", of_bursts(LOOK_UPS, min), 1),
        exactly(f"{what}: failed calls", of_bursts(FAILED, max), 0),
    ]


def tables(records):
    starts = Table("first answer", "hosts", "connections", "flights", "time ms", "round trips", "client CPU ms")
    for subject, hosts in ((OURS, 1), (OURS, 2), (BY_HAND, 1), (JAVASCRIPT, 1)):
        flights = [first_median(records, subject, f"flights to the {host}", hosts) for host in HOSTS]
        cpu = first_median(records, subject, "client CPU", hosts)
        starts.row(
            subject,
            hosts,
            number(first_median(records, subject, "connections", hosts), 0),
            " and ".join(number(each, 0) for each in flights if each is not None),
            spread(first(records, subject, "time", hosts), 0),
            spread(first(records, subject, "round trips", hosts)),
            number(None if cpu is None else cpu / 1000, 1),
        )
    costs = Table("one connection", "TLS", "full µs", "resumed µs", "resumed / full", "full, ×", "resumed, ×")
    for tls in ("1.3", "1.2"):
        for subject in (OURS, BY_HAND):
            cells = [number(records.median(subject, metric, tls=tls), 0) for metric in (FULL, RESUMED)]
            cells.append(spread(resumed_over_full(records, subject, tls)))
            if subject == OURS:
                cells += [spread(records.find(OURS, f"{metric} / {BY_HAND}", tls=tls)) for metric in (FULL, RESUMED)]
            else:
                cells += ["", ""]
            costs.row(subject, tls, *cells)
    bursts = Table(
        f"{BURST} calls at once on a cold pool",
        "look-up took ms",
        "time ms",
        f"(time - {LOOK_UP_MS}) / time with 0 ms",
        "look-ups",
        "failed calls",
    )
    for delay in (0, LOOK_UP_MS):
        at = {"calls": BURST, "lookUp": delay}
        bursts.row(
            f"a look-up of {delay} ms",
            spread(records.find(OURS, "time of the look-up", **at), 1),
            spread(records.find(OURS, BURST_TIME, **at), 0),
            spread(records.find(OURS, BEYOND_LOOK_UP, calls=BURST)) if delay else None,
            number(records.median(OURS, LOOK_UPS, **at), 0),
            number(records.median(OURS, FAILED, **at), 0),
        )
    return [starts, costs, bursts]


def charts(records):
    from conductor.charts import Bars

    bars = []
    for name, subject, hosts in (
        ("raw Asio", BY_HAND, 1),
        ("wix::Client", OURS, 1),
        ("wix::Client, edge host apart", OURS, 2),
        ("@wix/sdk", JAVASCRIPT, 1),
    ):
        time = first_median(records, subject, "time", hosts)
        if time is not None:
            bars.append((name, time))
    return [Bars("Time to the first answer, 50 ms away", "ms", bars, "Three round trips are 150 ms.")]
