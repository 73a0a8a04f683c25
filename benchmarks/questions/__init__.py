"""One module for each benchmark: the question, how it is measured, what is to be reached, and how it is shown.

A module has

    NAME       as in `./run bench NAME`
    QUESTION   the heading
    CAVEAT     how to read the figures, and what they do not say
    run(bench)             measures, into bench.samples
    targets(records)       a list of Target
    tables(records)        a list of Table
    charts(records)        a list of Lines or Bars; may be empty

Only `run` measures: the rest works on records alone, those of this run or of results.json.
"""

from questions import (
    build,
    calls,
    cold_start,
    concurrent_renewal,
    first_visitors,
    sessions,
    threads,
    token_fast_path,
)

ALL = [concurrent_renewal, first_visitors, calls, token_fast_path, threads, cold_start, sessions, build]
