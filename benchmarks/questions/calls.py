"""One JSON call, beside what people would use instead."""

from pathlib import Path

from conductor import peers, processes, servers, strace
from conductor.contender import Contender
from conductor.tables import Table, number, spread
from conductor.targets import at_least, at_most
from conductor.turns import take_turns
from conductor.wrk import Wrk

NAME = "calls"
QUESTION = "What does one JSON call cost the client?"
CAVEAT = """
Each contender is a process of its own on the first core, the server is one on the last, and so many calls are under way
at a time. Client CPU is user and system time of the contender's process; the server's is never in it. All C++
contenders send the same request, look at the status, and parse the body into a `json::value`; "on the stack" is such a
value in stack memory, which could not be handed to a user. Raw Beast and libcurl have no deadlines, no retries, no
renewal. libcurl is used with epoll, as its manual advises for many connections, not with `curl_multi_poll`. @wix/sdk
calls `fetchWithAuth` and `json()`; nearly all of its cost is Node's `fetch`, and on one core Node's helper threads
share it. wrk is the ceiling: it verifies no certificate and parses no JSON. It starts and connects anew in each round,
which is some percent of its figure. nginx sends 964 bytes from memory; the fake makes 905 bytes anew each time and
compresses them for those who accept gzip, as all do and undo, and it is slower than the C++ clients, so that there
calls/s is its own. Allocations are calls of malloc and its kin, those of OpenSSL included. System calls were counted in
a run apart, slowed down by strace; those that found nothing to read are among them. Loopback has no delay and loses
nothing: on a network the latency is the network's.
"""

OURS = "wix::Client"
BEAST = "raw Beast"
STACK = "raw Beast, JSON on the stack"
CURL = "libcurl multi"
NODE = "@wix/sdk"
WRK = Wrk.name
ALL_RIVALS = (BEAST, STACK, CURL, NODE, WRK)
MAIN = {"server": "nginx", "tls": True, "connections": 64}


def run(bench):
    sdk = peers_folder(bench)
    for rival, why in ((WRK, Wrk.why_missing()), ("the count of system calls", strace.why_missing())):
        if why:
            bench.leave_out(rival, why)
    if not (bench.build / "benchmarks" / "curl_calls").exists():
        bench.leave_out(CURL, "its headers were not there when the benchmarks were built")
    for start in (servers.nginx, servers.fake):
        for tls in (True, False):
            try:
                server = start(bench, tls)
            except servers.Missing as error:
                bench.leave_out("nginx", str(error))
                break
            with server:
                measure(bench, server, tls, sdk)


def peers_folder(bench):
    folder, why = peers.install(bench.build)
    if folder is None:
        bench.leave_out(NODE, why)
    return folder


def measure(bench, server, tls, sdk):
    main = server.name == "nginx"
    smoke = bench.smoke and not (main and tls)  # the slow ones once, then the rest
    sdk = None if smoke else sdk
    token = server.token()
    every = commands(bench, server, 64, token, sdk)
    parameters = {"server": server.name, "tls": tls, "connections": 64}
    # Against the slow fake its start and its handshakes would be most of what wrk does.
    wrk = token if main and not smoke and not Wrk.why_missing() else None
    in_turn(bench, server, every, parameters, 1000 if main else 500, 11 if main and tls else 5, wrk)
    for connections in (8, 1) if main else ():
        few = commands(bench, server, connections, token, None)
        few = {name: few[name] for name in (OURS, BEAST)}
        in_turn(bench, server, few, {**parameters, "connections": connections}, 500, 5)
    if main and not smoke and not strace.why_missing():
        for name, (command, environment) in every.items():
            if name == STACK:  # as raw Beast
                continue
            short, long = (100, 500) if bench.smoke else (500, 2000) if name == NODE else (200, 1000)
            calls = strace.system_calls(name, command, environment, short, long)
            if calls is not None:
                bench.samples.add(name, parameters, "system calls", "per call", calls)


def commands(bench, server, connections, token, sdk):
    """How to start each contender, and with which environment."""
    arguments = ["--url", server.url, "--path", servers.PRODUCT, "--connections", connections]
    if server.ca_file:
        arguments += ["--ca", server.ca_file]
    own = {"WIX_BENCH_TOKEN": token}
    found = {OURS: ([bench.program("wix_calls"), *arguments], {})}
    found[BEAST] = ([bench.program("beast_calls"), *arguments], own)
    found[STACK] = ([bench.program("beast_calls"), *arguments, "--stack"], own)
    if (bench.build / "benchmarks" / "curl_calls").exists():
        found[CURL] = ([bench.program("curl_calls"), *arguments], own)
    if sdk:
        script = peers.command(sdk, Path(__file__).parent.parent / "calls" / "wix_sdk.mjs")
        environment = {"NODE_EXTRA_CA_CERTS": server.ca_file} if server.ca_file else {}
        if bench.smoke:
            environment["WIX_BENCH_WARM_UP"] = "50"
        found[NODE] = ([*script, server.url, servers.PRODUCT, connections], environment)
    return found


def in_turn(bench, server, every, parameters, milliseconds, rounds, wrk_token=None):
    core = processes.FIRST if bench.pin else None
    open_ones = []
    try:
        for name, (command, environment) in every.items():
            open_ones.append(Contender(name, command, environment, core=core))
        if wrk_token:
            fields = {"Authorization": wrk_token, "User-Agent": "wix-cpp/0.1.0", "Accept": "application/json"}
            fields["Accept-Encoding"] = "gzip, deflate"
            open_ones.append(Wrk(server.url + servers.PRODUCT, fields, parameters["connections"], core))
        turns = [(contender, parameters) for contender in open_ones]
        take_turns(bench, turns, 20 if bench.smoke else milliseconds, bench.rounds(rounds))
    finally:
        for contender in open_ones:
            contender.close()
    for rival in ALL_RIVALS:
        bench.samples.add_ratios(OURS, rival, "client CPU", **parameters)
    bench.samples.add_ratios(OURS, BEAST, "p99", **parameters)
    bench.samples.add_ratios(NODE, OURS, "client CPU", **parameters)


def targets(records):
    def ours(metric):
        return records.median(OURS, metric, **MAIN)

    return [
        at_most("client CPU / raw Beast's, nginx, TLS, 64", ours(f"client CPU / {BEAST}"), 1.15),
        at_most("client CPU / libcurl's", ours(f"client CPU / {CURL}"), 0.6),
        at_least("client CPU of @wix/sdk / ours", records.median(NODE, f"client CPU / {OURS}", **MAIN), 12),
        at_most("p99 / raw Beast's", ours(f"p99 / {BEAST}"), 1.3),
    ]


def tables(records):
    made = []
    for server in ("nginx", "wix-fake"):
        for tls in (True, False):
            for connections in (64, 8, 1):
                table = table_of(records, {"server": server, "tls": tls, "connections": connections})
                if table:
                    made.append(table)
    return made


def table_of(records, parameters):
    subjects = [s for s in (OURS, *ALL_RIVALS) if records.find(s, "client CPU", **parameters)]
    if not subjects:
        return None
    head = f"{parameters['server']}, {'TLS 1.3' if parameters['tls'] else 'TCP'}, {parameters['connections']} under way"
    ours = f"{OURS} is × it"
    table = Table(head, "client CPU µs", ours, "calls/s", "p50 µs", "p99 µs", "allocations", "system calls")
    for subject in subjects:

        def cell(metric, digits):
            return number(records.median(subject, metric, **parameters), digits)

        table.row(
            subject,
            cell("client CPU", 2),
            spread(records.find(OURS, f"client CPU / {subject}", **parameters)),
            cell("calls/s", 0),
            cell("p50", 0),
            cell("p99", 0),
            cell("allocations", 1),
            cell("system calls", 2),
        )
    return table


def charts(records):
    from conductor.charts import Bars, Lines

    subjects = (WRK, STACK, BEAST, OURS, CURL, NODE)
    cpu = [(subject, records.median(subject, "client CPU", **MAIN)) for subject in subjects]
    over = {name: value for name, value in MAIN.items() if name != "connections"}
    lines = {subject: records.line(subject, "client CPU", "connections", **over) for subject in (OURS, BEAST)}
    return [
        Bars("Client CPU of one call, nginx, TLS 1.3, 64 under way", "µs", [bar for bar in cpu if bar[1] is not None]),
        Lines("Client CPU of one call, nginx, TLS 1.3", "calls under way", "µs", lines),
    ]
