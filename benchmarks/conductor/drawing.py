"""What the charts are drawn with: texts of known width, shapes, and the frame of a picture.

The pictures are white sheets with a border, so that they read in a light and in a dark page; they need no font and no
script, and the same data give the same bytes.
"""

from xml.sax.saxutils import escape, quoteattr

FONTS = "-apple-system, 'Segoe UI', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
INK, SOFT, GRID, FAINT = "#1f2328", "#59636e", "#d5dae0", "#eceff2"
ACCENT = "#c8380a"
# Told apart by colour-blind people as well: they differ in lightness, and each line has a mark of its own.
COLOURS = ["#0b62a8", "#0a7f5f", "#8d4f9f", "#5c6670", "#946700", "#2b8fc2", "#3d3d8f"]
NEUTRAL = "#9aa7b4"
OURS = ("wix::", "TokenManager", "the SDK")

# Of Helvetica, in thousandths of the size; what is not here is taken as wide as a digit.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 222), **dict.fromkeys(" .,:;!/\\It[]f·", 278), **dict.fromkeys("()-r", 333),
    **dict.fromkeys("ckJsvxyz", 500), **dict.fromkeys("FTZL", 611), **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("CDHNRUw", 722), **dict.fromkeys("GOQ", 778), **dict.fromkeys("mM", 833), **dict.fromkeys("W", 944),
    "@": 1015, "%": 889, "—": 1000, "+": 584, "=": 584, "<": 584, ">": 584, "×": 584, "≤": 584, "≥": 584,
}  # fmt: skip


def ours(name):
    return name.startswith(OURS)


def text_width(words, size, bold=False):
    """A little more than any common font needs."""
    return sum(_WIDTHS.get(letter, 556) for letter in words) / 1000 * size * (1.16 if bold else 1.08)


def wrap(words, size, width, bold=False):
    """Lines that are no wider than `width`. A word that is wider is cut."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size, bold) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, size, bold) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def shown(value):
    """Three digits that count; thousands apart: 0.0042, 1.15, 12.5, 1 200 000."""
    if value == 0:
        return "0"
    for limit, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if abs(value) >= limit:
            break
    else:
        return f"{value:.2g}"
    text = f"{value:,.{digits}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text


def place(value):
    """A coordinate as text."""
    return f"{value:.1f}".removesuffix(".0")


class Sheet:
    """A picture while it is drawn, from the top down."""

    def __init__(self, width, title, description):
        self.width = width
        self._title = title
        self._description = description
        self._parts = []

    def text(self, x, y, words, size=13, anchor="start", fill=INK, bold=False, kind=""):
        kind = f' class="{kind}"' if kind else ""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text{kind} x="{place(x)}" y="{place(y)}" font-size="{size}" text-anchor="{anchor}"{weight} '
            f'fill="{fill}">{escape(words)}</text>'
        )

    def paragraph(self, x, y, words, width, size=13, fill=INK, bold=False):
        """Gives the y of the line after it."""
        for line in wrap(words, size, width, bold) if words else []:
            self.text(x, y, line, size, fill=fill, bold=bold)
            y += round(size * 1.35)
        return y

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1, dashes="", kind=""):
        dashes = f' stroke-dasharray="{dashes}"' if dashes else ""
        kind = f' class="{kind}"' if kind else ""
        self._parts.append(
            f'<line{kind} x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}" stroke="{stroke}" '
            f'stroke-width="{width}"{dashes}/>'
        )

    def bar(self, x, y, width, height, fill):
        self._parts.append(
            f'<rect class="bar" x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}" '
            f'fill="{fill}"/>'
        )

    def series(self, name, points, stroke, width, mark, dashes=""):
        """A line through points, each with its mark."""
        dashes = f' stroke-dasharray="{dashes}"' if dashes else ""
        joined = " ".join(f"{place(x)},{place(y)}" for x, y in points)
        marks = "".join(MARKS[mark % len(MARKS)](x, y) for x, y in points)
        self._parts.append(
            f'<g class="series" aria-label={quoteattr(name)}>'
            f'<polyline points="{joined}" fill="none" stroke="{stroke}" stroke-width="{width}" '
            f'stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
            f'<path d="{marks}" fill="{stroke}" stroke="#ffffff" stroke-width="1.2"/></g>'
        )

    def svg(self, height):
        """The whole picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{place(height)}" '
            f'viewBox="0 0 {self.width} {place(height)}" role="img" aria-labelledby="title description" '
            f"font-family={quoteattr(FONTS)}>"
        )
        sheet = (
            f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{place(height - 1)}" rx="6" fill="#ffffff" '
            f'stroke="{GRID}"/>'
        )
        title = f'<title id="title">{escape(self._title)}</title>'
        description = f'<desc id="description">{escape(self._description)}</desc>'
        return "\n".join([head, title, description, sheet, *self._parts, "</svg>"]) + "\n"


def _outline(*corners):
    """A mark with these corners, in tenths of a pixel around its point."""

    def path(x, y):
        at = [f"{place(x + dx / 10)} {place(y + dy / 10)}" for dx, dy in corners]
        return f"M{'L'.join(at)}z"

    return path


def _disc(x, y):
    return f"M{place(x - 4.5)} {place(y)}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z"


MARKS = [
    _disc,
    _outline((-40, -40), (40, -40), (40, 40), (-40, 40)),
    _outline((0, -52), (50, 38), (-50, 38)),
    _outline((0, -56), (56, 0), (0, 56), (-56, 0)),
    _outline((0, 52), (50, -38), (-50, -38)),
    _outline((-18, -52), (18, -52), (18, -18), (52, -18), (52, 18), (18, 18), (18, 52), (-18, 52), (-18, 18), (-52, 18),
             (-52, -18), (-18, -18)),
    _outline((-28, -50), (28, -50), (52, 0), (28, 50), (-28, 50), (-52, 0)),
    _outline((-50, -22), (0, -56), (50, -22), (32, 46), (-32, 46)),
]  # fmt: skip
