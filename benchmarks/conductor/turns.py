"""Contenders that make calls in turn, round by round."""


def _go(contender, parameters, milliseconds):
    return contender.go(milliseconds)


def take_turns(bench, contenders, milliseconds, rounds, turn=_go):
    """`contenders` are pairs of a contender and the parameters of its samples. In every second round the order is the
    other way about, so that none is always the first. `turn` may do more than to say go."""
    for number in range(rounds):
        for contender, parameters in contenders if number % 2 == 0 else reversed(contenders):
            told = turn(contender, parameters, milliseconds)
            if told["calls"] == 0:
                raise RuntimeError(f"{contender.name} made no calls")
            _keep(bench.samples, contender.name, parameters, told)


def _keep(samples, subject, parameters, told):
    samples.add(subject, parameters, "client CPU", "µs/call", told["cpuMicros"] / told["calls"])
    samples.add(subject, parameters, "calls/s", "1/s", told["calls"] * 1e6 / told["wallMicros"])
    samples.add(subject, parameters, "p50", "µs", told["p50Micros"])
    samples.add(subject, parameters, "p99", "µs", told["p99Micros"])
    if "allocations" in told:
        samples.add(subject, parameters, "allocations", "per call", told["allocations"] / told["calls"])
