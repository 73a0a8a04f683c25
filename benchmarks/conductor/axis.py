"""A logarithmic axis: equal ratios are equal distances."""

from math import floor, log10

from conductor.drawing import shown


class LogAxis:
    """Covers all values, from one round number (1, 2 or 5 times a power of ten) to another."""

    def __init__(self, values, start, end, least=1.5):
        """`start` and `end`: where its two ends are drawn. It covers a ratio of `least`: noise looks like noise."""
        self._start, self._end = start, end
        low, high = min(values), max(values)
        self.low, self.high = _below(low), _above(high)
        while self.high / self.low < least * 0.999:
            if low / self.low < self.high / high:
                self.low = _below(self.low / 1.5)
            else:
                self.high = _above(self.high * 1.5)
        self.decades = log10(self.high / self.low)

    def at(self, value):
        return self._start + (self._end - self._start) * log10(value / self.low) / self.decades

    def decade_ticks(self):
        return self._steps([1])

    def fine_ticks(self):
        """Between the decades, as far as they can be told apart."""
        if self.decades > 7:
            return []
        return self._steps([2, 5] if self.decades > 3.5 else range(2, 10))

    def labels(self):
        """Pairs of where and what: the decades; if they are few, steps between as well."""
        steps = [1]
        if self.decades < 2.2:
            steps = [1, 2, 5]
        return [(self.at(value), shown(value)) for value in self._steps(steps)]

    def _steps(self, steps):
        first, last = floor(log10(self.low)) - 1, floor(log10(self.high)) + 1
        values = [_rounded(step * 10.0**power) for power in range(first, last + 1) for step in steps]
        return [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]


def _rounded(value):
    return float(f"{value:.6g}")


def _round_numbers(value):
    power = floor(log10(value))
    return [_rounded(step * 10.0**exponent) for exponent in (power - 1, power, power + 1) for step in (1, 2, 5)]


def _below(value):
    return max(n for n in _round_numbers(value) if n <= value * 1.000001)


def _above(value):
    return min(n for n in _round_numbers(value) if n >= value * 0.999999)
