"""The charts of docs/benchmarks.md: SVG, without a library, the same bytes for the same data.

The SDK's own lines and bars are those whose names begin with "wix::", "TokenManager" or "the SDK".
"""

from math import isfinite

from conductor.axis import LogAxis
from conductor.drawing import ACCENT, COLOURS, FAINT, GRID, INK, MARKS, NEUTRAL, SOFT
from conductor.drawing import Sheet, ours, shown, text_width, wrap
from conductor.labels import HEIGHT, SIZE, Box, Label, stack

WIDTH, EDGE, PLOT_HEIGHT, LABEL_WIDTH, NAME_WIDTH = 820, 24, 340, 190, 270
DASHES = "6 4"


def _begin(chart, unit):
    """A sheet with the title and what is measured; and where it goes on."""
    sheet = Sheet(WIDTH, chart.title, chart.describe())
    y = sheet.paragraph(EDGE, 34, chart.title, WIDTH - 2 * EDGE, 16, bold=True)
    return sheet, sheet.paragraph(EDGE, y + 2, unit, WIDTH - 2 * EDGE, 12.5, fill=SOFT) + 2


def _nothing(sheet, y):
    sheet.text(EDGE, y + 6, "Nothing was measured.", fill=SOFT)
    return sheet.svg(y + 30)


class Lines:
    """A measure against N. Both axes are logarithmic: what grows as a power of N is straight, and a bend is seen."""

    def __init__(self, title, x_label, y_label, series, note=""):
        """`series`: pairs (x, y) by name. A logarithm knows no 0: such points are left out, and that is said."""
        self.title, self.x_label, self.y_label, self.note = title, x_label, y_label, note
        self.series = {name: sorted(p for p in points if _drawable(*p)) for name, points in series.items()}
        self.series = {name: points for name, points in self.series.items() if points}
        without = [name for name, points in series.items() if any(_zero(*p) for p in points)]
        if without:
            self.note = f"{note} Not drawn, since a logarithmic axis has no 0: {', '.join(without)}.".strip()

    def describe(self):
        said = [f"{name}: " + ", ".join(f"{shown(y)} at {shown(x)}" for x, y in p) for name, p in self.series.items()]
        axes = f"{self.y_label} against {self.x_label}, both axes logarithmic."
        return " ".join([axes, *(f"{line}." for line in said)]) if said else "Nothing was measured."

    def svg(self):
        sheet, top = _begin(self, self.y_label)
        if not self.series:
            return _nothing(sheet, top)
        top += 4
        bottom = top + PLOT_HEIGHT
        labels = {name: Label(name, LABEL_WIDTH, ours(name)) for name in self.series}
        right = WIDTH - EDGE - max(label.width for label in labels.values()) - 16
        points = [point for line in self.series.values() for point in line]
        heights = [y for _, y in points]
        down = LogAxis([*heights, max(heights) * 1.3], bottom, top, 10)  # with room for names above
        left = EDGE + 8 + max(text_width(words, 12) for _, words in down.labels())
        across = LogAxis([x for x, _ in points], left, right, 1.5 if len({x for x, _ in points}) > 1 else 10)

        self._grid(sheet, across, down, Box(left, top, right, bottom))
        drawn = {name: [(across.at(x), down.at(y)) for x, y in line] for name, line in self.series.items()}
        beside = _place(labels, drawn, Box(left, top, right, bottom))
        styles = _styles(self.series)
        for name in sorted(drawn, key=ours):
            colour, mark, dashes = styles[name]
            if name not in beside:
                _draw_leader(sheet, drawn[name][-1], labels[name].box, colour, right)
            sheet.series(name, drawn[name], colour, 2.6 if ours(name) else 1.8, mark, dashes)
        for name, label in labels.items():
            for i, words in enumerate(label.lines):
                y = label.box.top + HEIGHT * i + 11.5
                sheet.text(label.box.left, y, words, SIZE, fill=styles[name][0], bold=label.bold, kind="label")
        sheet.text((left + right) / 2, bottom + 40, self.x_label, 12.5, "middle", SOFT)
        end = sheet.paragraph(EDGE, bottom + 66, self.note, WIDTH - 2 * EDGE, 12, fill=SOFT)
        return sheet.svg(end - 2 if self.note else bottom + 56)

    @staticmethod
    def _grid(sheet, across, down, plot):
        for value in across.fine_ticks():
            sheet.line(across.at(value), plot.top, across.at(value), plot.bottom, FAINT)
        for value in down.fine_ticks():
            sheet.line(plot.left, down.at(value), plot.right, down.at(value), FAINT)
        for value in across.decade_ticks():
            sheet.line(across.at(value), plot.top, across.at(value), plot.bottom, GRID, kind="decade-x")
        for value in down.decade_ticks():
            sheet.line(plot.left, down.at(value), plot.right, down.at(value), GRID, kind="decade-y")
        sheet.line(plot.left, plot.bottom, plot.right, plot.bottom, SOFT)
        sheet.line(plot.left, plot.top, plot.left, plot.bottom, SOFT)
        taken = plot.left - 100
        for x, words in across.labels():
            half = text_width(words, 12) / 2
            if x - half > taken:
                sheet.text(x, plot.bottom + 19, words, 12, "middle", SOFT, kind="tick")
                taken = x + half + 6
        for y, words in down.labels():
            sheet.text(plot.left - 8, y + 4, words, 12, "end", SOFT, kind="tick")


class Bars:
    """One value for each name, from 0 on, with the value at the bar's end."""

    def __init__(self, title, unit, bars, note=""):
        """`bars`: pairs of name and value, from above. What has no value is left out."""
        self.title, self.unit, self.note = title, unit, note
        self.bars = [(name, value) for name, value in bars if value is not None and isfinite(value)]

    def describe(self):
        said = "; ".join(f"{name}: {shown(value)}" for name, value in self.bars)
        return f"{self.unit}. {said}." if said else "Nothing was measured."

    def svg(self):
        sheet, y = _begin(self, self.unit)
        if not self.bars:
            return _nothing(sheet, y)
        names = [wrap(name, 13, NAME_WIDTH, ours(name)) for name, _ in self.bars]
        widths = [text_width(line, 13, ours(lines[0])) for lines in names for line in lines]
        start = EDGE + max(widths) + 12
        room = WIDTH - EDGE - start - 10 - max(text_width(shown(value), 13, True) for _, value in self.bars)
        longest = max(value for _, value in self.bars)
        top = y
        for (name, value), lines in zip(self.bars, names):
            height = max(22, 17 * len(lines))
            middle = y + 5 + height / 2
            mine = ours(name)
            for i, words in enumerate(lines):
                baseline = middle + 4.5 + 17 * (i - (len(lines) - 1) / 2)
                sheet.text(start - 12, baseline, words, 13, "end", ACCENT if mine else INK, mine, kind="name")
            length = max(0, value) / longest * room if longest > 0 else 0
            sheet.bar(start, middle - 11, length, 22, ACCENT if mine else NEUTRAL)
            sheet.text(start + length + 8, middle + 4.5, shown(value), 13, "start", INK, mine, kind="value")
            y += height + 10
        sheet.line(start, top, start, y, SOFT)
        end = sheet.paragraph(EDGE, y + 24, self.note, WIDTH - 2 * EDGE, 12, fill=SOFT)
        return sheet.svg(end - 2 if self.note else y + 14)


def _drawable(x, y):
    return x is not None and y is not None and isfinite(x) and isfinite(y) and x > 0 and y > 0


def _zero(x, y):
    return x is not None and y is not None and (x <= 0 or y <= 0)


def _styles(names):
    """Colour, mark and dashes by name; whoever repeats a colour is dashed."""
    styles = {}
    own = other = 0
    for name in names:
        if ours(name):
            styles[name] = (ACCENT, own, DASHES if own else "")
            own += 1
        else:
            repeated = other // len(COLOURS)
            styles[name] = (COLOURS[other % len(COLOURS)], 1 + other % (len(MARKS) - 1), DASHES if repeated else "")
            other += 1
    return styles


def _place(labels, drawn, plot):
    """Gives all labels a place. Gives the names of those that are beside the ends of their lines, within the plot."""
    obstacles = [(a, b) for line in drawn.values() for a, b in zip(line, line[1:])]
    # The mark of a point is as wide as it is high.
    obstacles += [((x - 5, y), (x + 5, y)) for line in drawn.values() for x, y in line]
    obstacles += [((x, y - 5), (x, y + 5)) for line in drawn.values() for x, y in line]
    room = Box(plot.left, plot.top - 10, plot.right, plot.bottom)
    beside = []
    for name, label in labels.items():
        end, boxes = drawn[name][-1], [labels[other].box for other in beside]
        if end[0] < plot.right - 40 and label.put_beside(end, room, obstacles, boxes):
            beside.append(name)
    while True:
        column = [name for name in labels if name not in beside]
        heights = [drawn[name][-1][1] for name in column]
        stack([labels[name] for name in column], heights, plot.right + 16, plot.top - 10, plot.bottom + 10)
        leaders = [_leader(drawn[name][-1], labels[name].box) for name in column]
        crossed = [name for name in beside if any(labels[name].box.crossed(*leader) for leader in leaders)]
        if not crossed:
            return beside
        labels[crossed[0]].put_away()
        beside.remove(crossed[0])


def _leader(end, box):
    """From the end of a line to its name in the column."""
    return (end[0] + 6, end[1]), (box.left - 3, (box.top + box.bottom) / 2)


def _draw_leader(sheet, end, box, colour, right):
    """If the name is not just beside the end."""
    start, there = _leader(end, box)
    if abs(there[1] - end[1]) > 3 or end[0] < right - 12:
        sheet.line(*start, *there, colour, 0.8, "1.5 2.5", kind="leader")
