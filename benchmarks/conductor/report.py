"""docs/benchmarks.md and its charts, from what runs have left."""

import re
from math import floor, log10
from textwrap import fill

from conductor import machine
from conductor.tables import Table, number

INTRODUCTION = """
Written by `./run bench`, which measures all of this again; [benchmarks/README.md](../benchmarks/README.md) says how.

Client and server share the cores of one machine, so an absolute figure says little beside one of another machine or
another hour. What counts are the ratios: the subjects of a comparison take turns within each round, a ratio is taken
round by round, and a figure is the median of the rounds; in parentheses is the range. A count marked *exactly* fails
the run if it is wrong; a ratio or a time that is missed is told, here, and fails nothing.
"""


def section(question, records, left_out=(), charts=()):
    """What one benchmark says, as Markdown, and whether all its counts are right."""
    parts = ["    ./run bench " + question.NAME]
    parts += [str(table) for table in question.tables(records)]
    targets = question.targets(records)
    if targets:
        table = Table("to reach", "measured", "wanted", "")
        for target in targets:
            table.row(target.what, *_cells(target))
        parts.append(str(table))
    parts += charts
    parts += [f"*{sentence}*" for sentence in left_out]
    parts.append(question.CAVEAT.strip())
    return "\n\n".join(parts) + "\n", all(target.verdict != "wrong" for target in targets)


def write(results, questions, folder):
    """Writes benchmarks.md and its charts into `folder`, if all questions were asked. Gives whether it did."""
    missing = [question.NAME for question in questions if not any(results.of(question.NAME))]
    if missing:
        print(f"docs/benchmarks.md is left as it is: not measured are {', '.join(missing)}")
        return False
    charts = {question.NAME: _draw(question, results, folder / "benchmarks") for question in questions}
    _remove_others(folder / "benchmarks", {name for names in charts.values() for name, _ in names})
    (folder / "benchmarks.md").write_text(document(results, questions, charts), encoding="utf-8")
    return True


def document(results, questions, charts):
    """`charts`: pairs of file name and title, by benchmark."""
    parts = ["# Benchmarks", INTRODUCTION.strip(), *_taken(results, questions), "## The numbers in short"]
    parts += _short(results, questions)
    for question in questions:
        run = results.run(question.NAME)
        parts.append(f"## {question.QUESTION}")
        if run and run.failed:
            parts.append("**This benchmark failed in its last run: a count is wrong, or figures are missing.**")
        pictures = [f"![{title}](benchmarks/{name})" for name, title in charts.get(question.NAME, [])]
        text, _ = section(question, results.of(question.NAME), run.left_out if run else [], pictures)
        parts.append(text.rstrip())
    return "\n\n".join(parts) + "\n"


def anchor(heading):
    """Where GitHub links to a heading."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cells(target):
    """Measured, wanted and verdict. Figures that differ look different, also if it is by very little."""
    measured, wanted = _figure(target.measured), _figure(target.wanted)
    digits = 3
    while measured == wanted and target.measured != target.wanted and digits < 9:
        digits += 1
        measured = _figure(target.measured, digits)
    bold = "**" if target.verdict in ("missed", "wrong") else ""
    return measured, f"{target.kind} {wanted}", f"{bold}{target.verdict}{bold}"


def _figure(value, digits=3):
    """With so many digits that count, but never fewer than are before the point."""
    if value is None:
        return ""
    if value == int(value):
        return number(value, 0)
    text = number(value, max(0, digits - 1 - floor(log10(abs(value)))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(results, questions):
    table = Table("benchmark", "to reach", "measured", "wanted", "", left=2)
    verdicts = []
    for question in questions:
        name = f"[{question.NAME}]({anchor(question.QUESTION)})"
        targets = question.targets(results.of(question.NAME))
        verdicts += [target.verdict for target in targets]
        for target in targets:
            table.row(name, target.what, *_cells(target))
            name = ""
        if not targets:
            table.row(name, "only told", "", "", "")
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in ("reached", "missed", "wrong", "not measured")]
    told = ", ".join(count for count in counts if not count.startswith("0 "))
    return [f"Targets: {told or 'none'}.", str(table)]


def _taken(results, questions):
    """Paragraphs: when and with what it was measured, and whether all of it was measured at once."""
    runs = {question.NAME: results.run(question.NAME) for question in questions}
    known = [run for run in runs.values() if run]
    if not known:
        return ["When and with what this was measured is not known."]
    if len(known) == len(runs) and all(_same(run, known[0]) for run in known):
        return [fill(f"Taken on {_told(known[0])}", 120)]
    lines = ["**The records are of different runs**, so compare within a section only:", ""]
    groups = []
    for name, run in runs.items():
        for names, other in groups:
            if run == other or (run and other and _same(run, other)):
                names.append(name)
                break
        else:
            groups.append(([name], run))
    for names, run in groups:
        said = _told(run) if run else "not known when."
        lines.append(f"- {', '.join(f'`{name}`' for name in names)}: {said}")
    return ["\n".join(lines)]


def _same(run, other):
    return (run.began, run.options, run.machine) == (other.began, other.options, other.machine)


def _told(run):
    """When, how and with what."""
    options = f", `{run.options}`" if run.options else ""
    machines = f" Machine and programs: {machine.sentence(run.machine)}." if run.machine else ""
    return f"{run.began}{options}.{machines}"


def _draw(question, results, folder):
    """Writes the charts of one benchmark. Gives pairs of file name and title."""
    drawn = []
    for count, chart in enumerate(question.charts(results.of(question.NAME)), 1):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{question.NAME}-{count}.svg"
        (folder / name).write_text(chart.svg(), encoding="utf-8")
        drawn.append((name, chart.title))
    return drawn


def _remove_others(folder, names):
    """Charts that are no longer made."""
    for path in folder.glob("*-*.svg") if folder.is_dir() else []:
        if path.name not in names and re.fullmatch(r"[a-z_]+-\d+\.svg", path.name):
            path.unlink()
