"""Where the names of lines go: beside their ends, and never upon each other."""

from dataclasses import dataclass

from conductor.drawing import text_width, wrap

SIZE, HEIGHT, GAP, NARROW, WIDE = 12.5, 15, 4, 100, 260


@dataclass
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other):
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, other):
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )

    def crossed(self, start, end):
        """Whether a part of that line is in the box (Liang and Barsky)."""
        (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
        first, last = 0.0, 1.0
        for step, room in ((-dx, x - self.left), (dx, self.right - x), (-dy, y - self.top), (dy, self.bottom - y)):
            if step == 0:
                if room < 0:
                    return False
            elif step < 0:
                first = max(first, room / step)
            else:
                last = min(last, room / step)
        return first <= last


class Label:
    """A name of one or more lines of text, once it has a place."""

    def __init__(self, name, width, bold):
        self.bold = bold
        self.box = None
        self._name, self._widest = name, width
        self._fold(width)

    def _fold(self, width):
        self.lines = wrap(self._name, SIZE, width, self.bold)
        self.width = max(text_width(line, SIZE, self.bold) for line in self.lines)
        self.height = HEIGHT * len(self.lines)

    def put(self, left, middle):
        self.box = Box(left, middle - self.height / 2, left + self.width, middle + self.height / 2)

    def put_beside(self, end, room, obstacles, boxes):
        """In the picture, near the end of the line; False if there is no free place within `room`."""
        for width in (WIDE, self._widest, NARROW):
            self._fold(width)
            for left, middle in self._places(end):
                self.put(left, middle)
                # Air on all sides, but where its own line ends.
                wide = Box(self.box.left - 2, self.box.top - 2, self.box.right + 6, self.box.bottom + 2)
                taken = any(wide.meets(b) for b in boxes) or any(wide.crossed(*o) for o in obstacles)
                if wide.within(room) and not taken:
                    return True
        self.put_away()
        return False

    def put_away(self):
        """As if it had no place yet."""
        self._fold(self._widest)
        self.box = None

    def _places(self, end):
        """Left edge and middle, the best one first."""
        x, y = end
        up, down = y - self.height / 2 - 9, y + self.height / 2 + 9
        right, centre, left = x + 8, x - self.width / 2, x - 8 - self.width
        beside = [(x + 11, y), (right, up), (right, down), (centre, up), (centre, down)]
        return beside + [(x - 11 - self.width, y), (left, up), (left, down)]


def stack(labels, wanted, left, top, bottom):
    """Puts labels one below the other, each as near to its wanted height as the others let it."""
    order = sorted(range(len(labels)), key=lambda i: (wanted[i], i))
    groups = []  # of neighbours that touch: where the first begins, their height, their number
    for i in order:
        height = labels[i].height + GAP
        groups.append([wanted[i] - height / 2, height, 1])
        groups[-1][0] = _held(groups[-1], top, bottom)
        while len(groups) > 1 and groups[-2][0] + groups[-2][1] > groups[-1][0]:
            start, height, count = groups.pop()
            before = groups[-1]
            before[0] = (before[0] * before[2] + (start - before[1]) * count) / (before[2] + count)
            before[1] += height
            before[2] += count
            before[0] = _held(before, top, bottom)
    at = iter(order)
    for start, _, count in groups:
        for _ in range(count):
            label = labels[next(at)]
            label.put(left, start + (label.height + GAP) / 2)
            start += label.height + GAP


def _held(group, top, bottom):
    return max(top, min(group[0], bottom - group[1]))
