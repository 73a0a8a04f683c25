"""Contenders that make calls in turn, round by round."""


def take_turns(bench, contenders, milliseconds, rounds, around=None):
    """`contenders` are pairs of a contender and the parameters of its samples. In every second round the order is the
    other way about, so that none is always the first. `around(contender, parameters, go)` may do something before
    and after a turn; it gives what go() gives."""
    for number in range(rounds):
        for contender, parameters in contenders if number % 2 == 0 else reversed(contenders):
            go = lambda: contender.go(milliseconds)
            told = around(contender, parameters, go) if around else go()
            if told["calls"] == 0:
                raise RuntimeError(f"{contender.name} made no calls")
            add = lambda metric, unit, value: bench.samples.add(contender.name, parameters, metric, unit, value)
            add("client CPU", "µs/call", told["cpuMicros"] / told["calls"])
            add("calls/s", "1/s", told["calls"] * 1e6 / told["wallMicros"])
            add("p50", "µs", told["p50Micros"])
            add("p99", "µs", told["p99Micros"])
            if "allocations" in told:
                add("allocations", "per call", told["allocations"] / told["calls"])
