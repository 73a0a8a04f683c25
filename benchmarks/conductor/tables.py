"""Tables that read well in a terminal and in Markdown."""


class Table:
    def __init__(self, *header, left=1):
        """So many columns are texts, which begin at the left; the others are figures."""
        self._rows = [list(header)]
        self._left = left

    def row(self, *cells):
        """A cell is a text; None is an empty one."""
        self._rows.append(["" if cell is None else str(cell) for cell in cells])

    def __str__(self):
        widths = [max(len(row[i]) for row in self._rows) for i in range(len(self._rows[0]))]
        lines = []
        for row in self._rows:
            cells = [c.ljust(w) if i < self._left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
            lines.append("| " + " | ".join(cells) + " |")
        rule = ["-" * (w + 2) if i < self._left else "-" * (w + 1) + ":" for i, w in enumerate(widths)]
        lines.insert(1, "|" + "|".join(rule) + "|")
        return "\n".join(lines)


def number(value, digits=2):
    """With thousands apart; None is an empty text."""
    return "" if value is None else f"{value:,.{digits}f}".replace(",", " ")


def spread(record, digits=2):
    """The median, and the range of the rounds."""
    if record is None:
        return ""
    return f"{number(record.median, digits)} ({number(record.min, digits)}–{number(record.max, digits)})"
