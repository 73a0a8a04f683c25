"""Calls from two threads, in the two ways that Asio offers."""

from conductor import processes, servers
from conductor.contender import Contender
from conductor.tables import Table, number, spread
from conductor.targets import at_most
from conductor.turns import take_turns

NAME = "threads"
QUESTION = "What do two threads cost, with one io_context or with one for each?"
CAVEAT = """
nginx over TLS 1.3, 64 connections in sum; client CPU is that of all threads of the client's process. With one
io_context for both threads raw Beast has a strand for each connection; the SDK has its own, and its callers have none.
With an io_context for each thread both have a set of connections for each, and nothing is shared but the TLS context of
raw Beast. Nothing is pinned. On a machine with two cores the server, with one thread of its own, runs on the cores of
the clients: two threads then get no more calls through, they take turns with the server and with each other, and what
they cost more is caches and locks that change hands. Calls per second say something of threads only where there is a
core for each of them and the server is not at its end: its saturation is the share of the time that it was on a core.
"""

OURS = "wix::Client"
BEAST = "raw Beast"
ONE = {"threads": 1, "contexts": 1}
SHARED = {"threads": 2, "contexts": 1}
EACH = {"threads": 2, "contexts": 2}
WAYS = (ONE, SHARED, EACH)


def run(bench):
    try:
        server = servers.nginx(bench, tls=True, pin=False)
    except servers.Missing as error:
        bench.leave_out("nginx", str(error))
        server = servers.fake(bench, tls=True, pin=False)
    with server:
        measure(bench, server)
    for way in WAYS:
        bench.samples.add_ratios(OURS, BEAST, "client CPU", **way)
    for way in (SHARED, EACH):
        for subject in (OURS, BEAST):
            values = bench.samples.values(subject, "client CPU", **way)
            for value, one in zip(values, bench.samples.values(subject, "client CPU", **ONE)):
                bench.samples.add(subject, way, "client CPU / one thread", "ratio", value / one)


def measure(bench, server):
    environment = {"WIX_BENCH_TOKEN": server.token()}
    turns = []

    def turn(contender, parameters, milliseconds):
        before = processes.cpu_seconds(server.pid)
        told = contender.go(milliseconds)
        busy = processes.cpu_seconds(server.pid) - before
        share = busy / (told["wallMicros"] / 1e6)
        bench.samples.add(contender.name, parameters, "server saturation", "share", share)
        bench.samples.add(contender.name, parameters, "server CPU", "µs/call", busy * 1e6 / told["calls"])
        return told

    try:
        for way in WAYS:
            for name, program in ((OURS, "wix_calls"), (BEAST, "beast_calls")):
                command = [bench.program(program), "--url", server.url, "--path", servers.PRODUCT]
                command += ["--ca", server.ca_file, "--threads", way["threads"], "--contexts", way["contexts"]]
                turns.append((Contender(name, command, environment), way))
        take_turns(bench, turns, 20 if bench.smoke else 1000, bench.rounds(7), turn)
    finally:
        for contender, _ in turns:
            contender.close()


def targets(records):
    shared = records.median(OURS, f"client CPU / {BEAST}", **SHARED)
    each = records.median(OURS, "client CPU / one thread", **EACH)
    return [
        at_most("one io_context of 2 threads: client CPU / raw Beast's with strands", shared, 1.1),
        at_most("an io_context for each of 2 threads: client CPU / that of one thread", each, 1.2),
    ]


def tables(records):
    columns = ("client CPU µs", "× raw Beast", "× one thread", "calls/s", "server CPU µs", "saturation")
    table = Table("64 under way", *columns)
    names = ("1 thread", "2 threads, 1 io_context", "2 threads, 2 io_contexts")
    for way, name in zip(WAYS, names):
        for subject in (OURS, BEAST):
            if not records.find(subject, "client CPU", **way):
                continue

            def cell(metric, digits):
                return number(records.median(subject, metric, **way), digits)

            table.row(
                f"{subject}, {name}",
                cell("client CPU", 2),
                spread(records.find(subject, f"client CPU / {BEAST}", **way)),
                spread(records.find(subject, "client CPU / one thread", **way)),
                cell("calls/s", 0),
                cell("server CPU", 2),
                cell("server saturation", 2),
            )
    return [table]


def charts(records):
    return []
