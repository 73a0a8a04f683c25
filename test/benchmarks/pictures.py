"""Reads what the charts have drawn."""

import re
from xml.etree import ElementTree

import conducted  # noqa: F401

from conductor.drawing import text_width

SVG = "{http://www.w3.org/2000/svg}"


class Picture:
    def __init__(self, svg):
        self.root = ElementTree.fromstring(svg)
        self.width, self.height = float(self.root.get("width")), float(self.root.get("height"))

    def all(self, tag, kind=None):
        return [e for e in self.root.iter(SVG + tag) if kind is None or e.get("class") == kind]

    def series(self):
        """Points by name, in the order in which they are drawn."""
        lines = {}
        for group in self.all("g", "series"):
            points = group.find(SVG + "polyline").get("points")
            lines[group.get("aria-label")] = [tuple(map(float, p.split(","))) for p in points.split()]
        return lines

    def colour(self, name):
        group = next(g for g in self.all("g", "series") if g.get("aria-label") == name)
        return group.find(SVG + "polyline").get("stroke")

    def mark(self, name):
        """Its shape, wherever it is: the path of the first point, relative to where it begins."""
        group = next(g for g in self.all("g", "series") if g.get("aria-label") == name)
        first = group.find(SVG + "path").get("d").partition("z")[0]
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", first)]
        if "a" in first:
            return "disc"
        return tuple(round(n - numbers[i % 2]) for i, n in enumerate(numbers))

    def plot(self):
        """left, top, right, bottom, of the two axes."""
        axes = [e for e in self.all("line") if e.get("stroke") == "#59636e"]
        ends = [tuple(float(e.get(k)) for k in ("x1", "y1", "x2", "y2")) for e in axes]
        return (
            min(e[0] for e in ends),
            min(e[1] for e in ends),
            max(e[2] for e in ends),
            max(e[3] for e in ends),
        )

    def texts(self):
        """Pairs of words and where they are: left, top, right, bottom."""
        found = []
        for e in self.all("text"):
            size, x, y = float(e.get("font-size")), float(e.get("x")), float(e.get("y"))
            width = text_width(e.text, size, e.get("font-weight") == "600") / 1.08  # that is without reserve
            left = {"start": x, "middle": x - width / 2, "end": x - width}[e.get("text-anchor")]
            found.append((e.text, (left, y - 0.75 * size, left + width, y + 0.22 * size)))
        return found

    def overlaps(self):
        """Pairs of texts that lie upon each other."""
        texts = self.texts()
        return [
            (a, b)
            for i, (a, p) in enumerate(texts)
            for b, q in texts[i + 1 :]
            if p[0] < q[2] and q[0] < p[2] and p[1] < q[3] and q[1] < p[3]
        ]

    def struck_out(self):
        """Names of lines through which the way from another line to its name goes."""
        ways = [tuple(float(e.get(k)) for k in ("x1", "y1", "x2", "y2")) for e in self.all("line", "leader")]
        names = {e.text for e in self.all("text", "label")}
        return [
            words
            for words, box in self.texts()
            for x1, y1, x2, y2 in ways
            if words in names
            and any(
                box[0] < x1 + i / 100 * (x2 - x1) < box[2] and box[1] < y1 + i / 100 * (y2 - y1) < box[3]
                for i in range(101)
            )
        ]

    def outside(self):
        """Texts that are not wholly on the sheet."""
        return [t for t, (l, t_, r, b) in self.texts() if l < 0 or t_ < 0 or r > self.width or b > self.height]
