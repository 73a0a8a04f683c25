#!/usr/bin/env python3
"""Runs the benchmarks of a Release build, one after the other, and writes results.json and docs/benchmarks.md.

Ends with 1 if a count is wrong or a benchmark cannot be run. A target in time or memory that is missed is told, and
fails nothing.
"""

import argparse
import os
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from conductor import machine, report
from conductor.bench import Bench
from conductor.results import Results, Run
from conductor.samples import Records, Samples
from questions import ALL

DOCS = Path(__file__).parent.parent / "docs"


def main(words=None, questions=tuple(ALL), docs=DOCS):
    """Gives the exit code."""
    arguments = parse(words, questions)
    if arguments.list:
        for question in questions:
            print(f"{question.NAME:20} {question.QUESTION}")
        return 0
    results = Results(arguments.build, arguments.smoke)
    failed = []
    if not arguments.report_only:
        chosen = [q for q in questions if not arguments.names or q.NAME in arguments.names]
        try:
            failed = run_all(chosen, results, arguments)
        except KeyboardInterrupt:
            print("\nStopped. What is complete is kept; docs/benchmarks.md is as it was.", file=sys.stderr)
            return 130
    if failed:
        untouched = "" if arguments.smoke else "; docs/benchmarks.md is as it was"
        print(f"failed: {', '.join(failed)}{untouched}", file=sys.stderr)
        return 1
    if not arguments.smoke and report.write(results, questions, docs):
        print(f"written: {os.path.relpath(docs / 'benchmarks.md')}")
    return 0


def parse(words, questions):
    known = [question.NAME for question in questions]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path, help="the folder of the build; ./run bench knows it")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}; without one, all")
    parser.add_argument("--list", action="store_true", help="the names and what they ask")
    parser.add_argument("--smoke", action="store_true", help="tiny counts: only what is right or wrong")
    parser.add_argument("--rounds", type=int, default=0, help="instead of a benchmark's own number (5 or more)")
    parser.add_argument("--no-pin", action="store_true", help="client and server may move between cores")
    parser.add_argument("--minutes", type=float, default=25, help="of all together; then what runs is stopped (25)")
    parser.add_argument("--report-only", action="store_true", help="write docs/benchmarks.md of the results there are")
    arguments = parser.parse_args(words)
    for name in arguments.names:
        if name not in known:
            parser.error(f"there is no benchmark {name}; there are {', '.join(known)}")
    if arguments.rounds < 0 or arguments.minutes <= 0:
        parser.error("--rounds and --minutes are positive")
    return arguments


def run_all(chosen, results, arguments):
    """Runs benchmarks one after the other. Gives the names of those that failed."""
    began = time.monotonic()
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    options = [f"--rounds {arguments.rounds}"] * bool(arguments.rounds) + ["--no-pin"] * arguments.no_pin
    facts = {} if arguments.smoke else machine.facts(arguments.build)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, arguments.minutes * 60)
    failed = []
    try:
        for question in chosen:
            if time.monotonic() - began >= arguments.minutes * 60:
                print(f"\n{question.NAME} was not begun: {arguments.minutes:g} minutes are over", file=sys.stderr)
                failed.append(question.NAME)
                continue
            run = Run(moment, options=" ".join(options), machine=facts)
            records = ask(question, arguments, run)
            results.put(question.NAME, records, run)
            if run.failed:
                failed.append(question.NAME)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - began
    count = f"{len(chosen)} benchmark{'' if len(chosen) == 1 else 's'}"
    print(f"\n{count} in {seconds // 60:.0f} min {seconds % 60:.0f} s: {results.path}")
    return failed


def out_of_time(*_):
    raise TimeoutError("the time for all benchmarks is over")


def ask(question, arguments, run):
    """Runs one benchmark and prints what came of it. Gives the records, and completes what `run` says."""
    print(f"\n## {question.QUESTION}\n", flush=True)
    began = time.monotonic()
    samples = Samples(question.NAME)
    bench = Bench(arguments.build, samples, arguments.smoke, arguments.rounds, not arguments.no_pin)
    problem = None
    try:
        question.run(bench)
    except Exception as error:  # the next benchmark may still be run
        problem = f"{question.NAME}: {error or type(error).__name__}"
    records = Records(samples.records())
    text, good = report.section(question, records, bench.left_out)
    run.seconds = round(time.monotonic() - began, 1)
    run.left_out = list(bench.left_out)
    run.failed = problem is not None or not good
    print(text)
    print(f"({run.seconds:.0f} s, load {os.getloadavg()[0]:.1f})", flush=True)
    if problem:
        print(problem, file=sys.stderr)
    elif not good:
        print(f"{question.NAME}: a count is wrong", file=sys.stderr)
    return list(records)


if __name__ == "__main__":
    sys.exit(main())
