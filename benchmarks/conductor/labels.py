"""Where the names of lines go: beside their ends, and never upon each other."""

from dataclasses import dataclass

from conductor.drawing import text_width, wrap

SIZE, HEIGHT, GAP = 12.5, 15, 4


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
        self.lines = wrap(name, SIZE, width, bold)
        self.width = max(text_width(line, SIZE, bold) for line in self.lines)
        self.height = HEIGHT * len(self.lines)
        self.bold = bold
        self.box = None

    def put(self, left, middle):
        self.box = Box(left, middle - self.height / 2, left + self.width, middle + self.height / 2)

    def put_beside(self, end, room, obstacles, boxes):
        """In the picture, near the end of the line; False if there is no free place within `room`."""
        x, y = end
        up, down = y - self.height / 2 - 9, y + self.height / 2 + 9
        places = [(x + 11, y), (x + 8, up), (x + 8, down), (x - self.width / 2, up), (x - self.width / 2, down)]
        places += [(x - 11 - self.width, y), (x - 8 - self.width, up), (x - 8 - self.width, down)]
        for left, middle in places:
            self.put(left, middle)
            # Air on all sides, but where its own line ends.
            wide = Box(self.box.left - 2, self.box.top - 2, self.box.right + 6, self.box.bottom + 2)
            taken = any(wide.meets(b) for b in boxes) or any(wide.crossed(*o) for o in obstacles)
            if wide.within(room) and not taken:
                return True
        self.box = None
        return False


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
