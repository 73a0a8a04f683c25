"""The way that every call takes: is the token that we have still good?"""

from conductor.tables import Table, number, spread
from conductor.targets import at_most, exactly

NAME = "token_fast_path"
QUESTION = "What does it cost to authorize a call with a valid token?"
CAVEAT = """
CPU time of one look, medians of 15 rounds in turn. No call hops to a strand for it: the published token is copied under
a mutex, and its age is read from the clock that goes on while the machine sleeps. Two threads on two busy cores see the
contended mutex.
"""

OURS = "TokenManager::fresh()"
RIVAL = "mutex + shared_ptr copy"
CLOCK = "of that, reading the clock"


def run(bench):
    bench.measure("token_fast_path", rounds=bench.rounds(15))
    for threads in (1, 2):
        bench.samples.add_ratios(OURS, RIVAL, "CPU", threads=threads)


def targets(records):
    ratio = records.median(OURS, f"CPU / {RIVAL}", threads=1)
    return [
        at_most(f"a look at a valid token / {RIVAL}, 1 thread", ratio, 3),
        exactly("allocations of 1 000 looks", records.median(OURS, "allocations of 1 000 looks"), 0),
    ]


def tables(records):
    table = Table("operation", "1 thread ns", "×", "2 threads ns", "×")
    for subject in (RIVAL, OURS, CLOCK):
        cells = []
        for threads in (1, 2):
            cells.append(number(records.median(subject, "CPU", threads=threads), 1))
            cells.append(spread(records.find(subject, f"CPU / {RIVAL}", threads=threads)))
        table.row(subject, *cells)
    return [table]


def charts(records):
    return []
