#!/usr/bin/env python3
"""Runs the benchmarks of a Release build, one after the other, and writes results.json and docs/benchmarks.md.

Ends with 1 if a count is wrong or a benchmark cannot be run. A target in time or memory that is missed is told, and
fails nothing.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from conductor import report
from conductor.bench import Bench
from conductor.samples import Record, Records, Samples
from questions import ALL


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="the folder of the build")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(q.NAME for q in ALL)}; all")
    parser.add_argument("--smoke", action="store_true", help="tiny counts: only what is right or wrong")
    parser.add_argument("--rounds", type=int, default=0, help="instead of a benchmark's own number (5 or more)")
    parser.add_argument("--no-pin", action="store_true", help="client and server may move between cores")
    parser.add_argument("--report-only", action="store_true", help="write docs/benchmarks.md of the results there are")
    arguments = parser.parse_args()
    known = {question.NAME: question for question in ALL}
    for name in arguments.names:
        if name not in known:
            parser.error(f"there is no benchmark {name}; there are {', '.join(known)}")
    chosen = [known[name] for name in arguments.names] or ALL

    results = arguments.build / ("smoke.json" if arguments.smoke else "results.json")
    records = read(results)
    failed = []
    if not arguments.report_only:
        for question in chosen:
            ok, measured = ask(question, arguments)
            records = [r for r in records if r.benchmark != question.NAME] + measured
            results.write_text(json.dumps([asdict(r) for r in records], indent=1, ensure_ascii=False) + "\n")
            if not ok:
                failed.append(question.NAME)
        print(f"\n{results}")
    if not arguments.smoke:
        report.write(records, ALL, Path(__file__).parent.parent / "docs")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def read(results):
    if not results.exists():
        return []
    return [Record(**record) for record in json.loads(results.read_text())]


def ask(question, arguments):
    """Runs one benchmark and prints what came of it. Gives whether all went well, and the records."""
    print(f"\n## {question.QUESTION}\n", flush=True)
    began = time.monotonic()
    samples = Samples(question.NAME)
    bench = Bench(arguments.build, samples, arguments.smoke, arguments.rounds, not arguments.no_pin)
    problem = None
    try:
        question.run(bench)
    except Exception as error:  # the next benchmark may still be run
        problem = f"{question.NAME}: {error}"
    records = Records(samples.records())
    text, good = report.section(question, records, bench.left_out)
    print(text)
    print(f"({time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f})", flush=True)
    if problem:
        print(problem, file=sys.stderr)
    return good and problem is None, list(records)


if __name__ == "__main__":
    main()
