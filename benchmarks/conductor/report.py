"""docs/benchmarks.md, from records."""

from conductor.samples import Records
from conductor.tables import Table, number


def section(question, records, left_out=()):
    """What one benchmark says, as Markdown, and whether all its counts are right."""
    parts = ["    ./run bench " + question.NAME]
    parts += [str(table) for table in question.tables(records)]
    targets = question.targets(records)
    if targets:
        table = Table("to reach", "measured", "wanted", "")
        for target in targets:
            digits = 0 if target.kind == "exactly" else 2
            table.row(target.what, number(target.measured, digits), f"{target.kind} {number(target.wanted, digits)}", target.verdict)
        parts.append(str(table))
    parts += [f"*{sentence}*" for sentence in left_out]
    parts.append(question.CAVEAT.strip())
    return "\n\n".join(parts) + "\n", all(target.verdict != "wrong" for target in targets)


def write(records, questions, folder):
    """Writes benchmarks.md and its charts, if all questions were asked."""
    missing = [q.NAME for q in questions if not any(r.benchmark == q.NAME for r in records)]
    if missing:
        print(f"docs/benchmarks.md is left as it is: not measured are {', '.join(missing)}")
        return
    parts = ["# Benchmarks"]
    for question in questions:
        own = Records(r for r in records if r.benchmark == question.NAME)
        parts.append(f"## {question.QUESTION}\n\n{section(question, own)[0]}")
    (folder / "benchmarks.md").write_text("\n\n".join(parts))
