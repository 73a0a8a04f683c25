import unittest

import conducted  # noqa: F401

from conductor.targets import at_least, at_most, exactly


class TargetsTest(unittest.TestCase):
    def test_verdicts(self):
        for target, verdict in (
            (at_most("a", 1.15, 1.15), "reached"),
            (at_most("a", 1.1501, 1.15), "missed"),
            (at_least("a", 10, 10), "reached"),
            (at_least("a", 9.99, 10), "missed"),
            (exactly("a", 1, 1), "reached"),
            (exactly("a", 2, 1), "wrong"),
            (exactly("a", 0, 1), "wrong"),
            (exactly("a", 1.0001, 1), "wrong"),
        ):
            self.assertEqual(target.verdict, verdict, target)

    def test_what_was_not_measured_is_neither(self):
        for make in (at_most, at_least, exactly):
            self.assertEqual(make("a", None, 1).verdict, "not measured")

    def test_nothing_measured_is_not_the_same_as_none(self):
        self.assertEqual(exactly("a", 0, 0).verdict, "reached")


if __name__ == "__main__":
    unittest.main()
