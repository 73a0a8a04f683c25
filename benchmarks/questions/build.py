"""What the SDK costs whoever builds a program with it."""

import json
import os
import shlex

from conductor.tables import Table, number, spread
from conductor.targets import at_most

NAME = "build"
QUESTION = "What does the SDK cost to compile and to link?"
CAVEAT = """
The time is the compiler's user CPU, `-O2`, without a cache. Both files have one coroutine that makes a call and reads
the JSON; the rival includes the three headers of Boost that this takes and declares its client itself. A file that
starts coroutines (`co_spawn`, `io_context`) costs either of them some seconds more. The programs are linked statically,
OpenSSL and libc included (most of their size), with `--gc-sections` and stripped. Raw Beast's is compiled with a section
for each function, the SDK's library as it is installed. It makes the same two requests; what it leaves out (renewal,
retries, deadlines, a pool, storage) is what the other program has.
"""

OURS = "wix/wix.hpp"
RIVAL = "three headers of Boost"
FILES = {OURS: "user_file.cpp", RIVAL: "boost_file.cpp"}
OUR_PROGRAM = "wix::Client"
RIVAL_PROGRAM = "raw Beast"
PROGRAMS = {OUR_PROGRAM: "hello_wix", RIVAL_PROGRAM: "hello_beast"}
TIME, MEMORY, SIZE = "compile time", "compiler's memory", "static program"


def run(bench):
    commands = {subject: command(bench.build, file) for subject, file in FILES.items()}
    if not bench.smoke:
        for spent in commands.values():
            compile_once(spent, bench.build)  # the headers are in the system's cache now
    for number_of_round in range(bench.rounds()):
        for subject in in_turn(FILES, number_of_round):
            seconds, megabytes = compile_once(commands[subject], bench.build)
            bench.samples.add(subject, {}, TIME, "s", seconds)
            bench.samples.add(subject, {}, MEMORY, "MB", megabytes)
    bench.samples.add_ratios(OURS, RIVAL, TIME)
    bench.samples.add_ratios(OURS, RIVAL, MEMORY)
    weigh(bench)


def in_turn(subjects, number_of_round):
    return list(subjects) if number_of_round % 2 == 0 else list(reversed(subjects))


def command(build, file):
    """How the build would compile it, but for where the result goes."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith(f"benchmarks/build/{file}"):
            words = shlex.split(entry["command"])
            words[words.index("-o") + 1] = os.devnull
            return words
    raise FileNotFoundError(f"{file} is not in compile_commands.json")


def compile_once(words, folder):
    """Gives seconds of user time and megabytes at the most, of the compiler and what it starts."""
    child = os.posix_spawnp("env", ["env", "-C", str(folder), *words], os.environ)
    _, status, used = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError(f"the compiler ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime, used.ru_maxrss / 1024


def weigh(bench):
    for subject, program in PROGRAMS.items():
        try:
            size = bench.program(program).stat().st_size
        except FileNotFoundError:
            bench.leave_out(f"the static program with {subject}", "not all libraries are there as archives")
            continue
        bench.samples.add(subject, {}, SIZE, "KB", size / 1024)


def targets(records):
    return [at_most(f"{OURS} / {RIVAL}, {TIME}", records.median(OURS, f"{TIME} / {RIVAL}"), 1.3)]


def tables(records):
    compiling = Table("one file with", f"{TIME} s", "×", f"{MEMORY} MB", "×")
    for subject in FILES:
        compiling.row(
            subject,
            number(records.median(subject, TIME)),
            spread(records.find(subject, f"{TIME} / {RIVAL}")),
            number(records.median(subject, MEMORY), 0),
            spread(records.find(subject, f"{MEMORY} / {RIVAL}")),
        )
    weights = Table("stripped static program with", "KB")
    for subject in PROGRAMS:
        weights.row(subject, number(records.median(subject, SIZE), 0))
    return [compiling, weights]


def charts(records):
    return []
