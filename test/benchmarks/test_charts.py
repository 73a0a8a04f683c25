import itertools
import random
import unittest

import conducted  # noqa: F401
from pictures import Picture

from conductor.axis import LogAxis
from conductor.charts import Bars, Lines
from conductor.drawing import ACCENT, shown, wrap

LONG = "a rival whose name is much too long for one line of a picture"


def lines(series, **more):
    return Lines("How long it takes", "callers", "ms", series, **more).svg()


class LinesTest(unittest.TestCase):
    def test_equal_ratios_are_equal_distances(self):
        picture = Picture(lines({"wix::Client": [(n, 0.001 * n**2) for n in (1, 10, 100, 1000, 1e6)]}))
        (points,) = picture.series().values()
        decade = points[1][0] - points[0][0]
        self.assertGreater(decade, 50)
        for (x1, y1), (x2, y2), decades in zip(points, points[1:], (1, 1, 1, 3)):
            self.assertAlmostEqual(x2 - x1, decades * decade, delta=0.3)
            self.assertAlmostEqual(y2 - y1, decades * (points[1][1] - points[0][1]), delta=0.3)
        self.assertLess(points[1][1], points[0][1], "more is higher")

    def test_the_ticks_are_where_the_values_are(self):
        picture = Picture(lines({"wix::Client": [(1, 2000), (10, 20000), (100, 200000)]}))
        ticks = dict(picture.texts())
        points = picture.series()["wix::Client"]
        self.assertAlmostEqual(sum(ticks["100"][::2]) / 2, points[2][0], delta=1)
        self.assertAlmostEqual(sum(ticks["10"][::2]) / 2, points[1][0], delta=1)
        middle = sum(ticks["10 000"][1::2]) / 2
        self.assertTrue(points[1][1] < middle < points[0][1])
        self.assertAlmostEqual(middle, points[1][1] + 0.301 * (points[0][1] - points[1][1]), delta=2)
        decades = [float(e.get("x1")) for e in picture.all("line", "decade-x")]
        self.assertEqual(decades, [x for x, _ in points])

    def test_all_points_are_within_the_plot(self):
        for points in ([(1, 1e-3), (1e6, 1e6)], [(64, 17.2)], [(1, 99.9), (2, 100.1)], [(3, 7), (4, 7)], [(1e-3, 1e9)]):
            picture = Picture(lines({"wix::Client": points, "raw Beast": points[:1]}))
            left, top, right, bottom = picture.plot()
            for x, y in itertools.chain(*picture.series().values()):
                self.assertTrue(left <= x <= right and top <= y <= bottom, (points, x, y, picture.plot()))
            self.assertGreater(right - left, 300)

    def test_noise_does_not_fill_the_picture(self):
        picture = Picture(lines({"wix::Client": [(1, 99), (10, 101)]}))
        (first, last) = picture.series()["wix::Client"]
        self.assertLess(abs(first[1] - last[1]), 10)

    def test_points_come_in_order_and_zeros_are_left_out_and_told(self):
        svg = lines({"wix::Client": [(10, 2), (1, 1), (100, 0)], "nobody": [(1, 0)], "none": [(1, None)]}, note="So.")
        picture = Picture(svg)
        self.assertEqual(list(picture.series()), ["wix::Client"])
        self.assertEqual(len(picture.series()["wix::Client"]), 2)
        first, last = picture.series()["wix::Client"]
        self.assertLess(first[0], last[0])
        self.assertIn("So. Not drawn, since a logarithmic axis has no 0: wix::Client, nobody.", svg)

    def test_our_own_is_accented_and_drawn_last(self):
        points = [(1, 1), (10, 10)]
        names = ["TokenManager::fresh()", "the SDK, shared", "raw Beast", "wrk"]
        picture = Picture(lines({name: points for name in names}))
        self.assertEqual(list(picture.series())[:2], ["raw Beast", "wrk"])
        for name in ("TokenManager::fresh()", "the SDK, shared"):
            self.assertEqual(picture.colour(name), ACCENT)
        self.assertNotIn(ACCENT, (picture.colour("raw Beast"), picture.colour("wrk")))

    def test_colours_and_marks_differ(self):
        names = ["wix::Client"] + [f"rival {i}" for i in range(7)]
        picture = Picture(lines({name: [(10, 10 + 3 * i)] for i, name in enumerate(names)}))
        self.assertEqual(len({picture.colour(name) for name in names}), 8)
        self.assertEqual(len({picture.mark(name) for name in names}), 8)

    def test_names_do_not_overlap_and_are_on_the_sheet(self):
        chance = random.Random(7)
        for count in [1, 2, 3, 5, 8] * 12:
            ends = [chance.choice([100, 10_000, 1_000_000]) for _ in range(count)]
            close = chance.random() < 0.4
            series = {}
            for i, end in enumerate(ends):
                power, scale = (0.5, 1 + 0.01 * i) if close else (chance.uniform(-1, 1), chance.uniform(0.01, 100))
                name = chance.choice(["wix::Client", "@wix/sdk", "raw Beast, stack memory", LONG])
                series[f"{name} {i}"] = [(10**e, scale * 10 ** (e * power)) for e in range(7) if 10**e <= end]
            picture = Picture(lines(series, note=LONG * 3))
            self.assertEqual((picture.overlaps(), picture.outside()), ([], []), series)
            self.assertEqual(picture.struck_out(), [], series)
            self.assertEqual(sorted(picture.series()), sorted(series))
            said = " ".join(e.text for e in picture.all("text", "label"))
            for name in series:
                self.assertIn(name, said)

    def test_a_name_within_the_plot_is_on_no_line(self):
        series = {"wix::Client": [(1, 1), (1000, 10), (1e6, 100)], "@wix/sdk": [(1, 2), (1000, 1000)]}
        picture = Picture(lines(series))
        box = next(box for text, box in picture.texts() if text == "@wix/sdk")
        end = picture.series()["@wix/sdk"][-1]
        self.assertLess(abs(box[0] - end[0]), 40, "beside its end")
        for x in range(int(box[0]), int(box[2])):
            (x1, y1), (x2, y2) = [p for p in picture.series()["wix::Client"]][1:]
            self.assertFalse(box[1] <= y1 + (x - x1) / (x2 - x1) * (y2 - y1) <= box[3])

    def test_a_name_gives_way_to_a_line(self):
        series = {"wix::Client": [(1, 1000), (1000, 30), (1e6, 31)], "@wix/sdk": [(1, 30), (300, 30)]}
        picture = Picture(lines(series))
        left, top, right, bottom = next(box for text, box in picture.texts() if text == "@wix/sdk")
        (_, _), (x1, y1), (x2, y2) = picture.series()["wix::Client"]
        self.assertFalse(left < x2 and right > x1 and top < y1 < bottom, (left, top, right, bottom))

    def test_many_decades_have_room_for_their_numbers(self):
        picture = Picture(lines({"wix::Client": [(1, 1e-3), (1e15, 1e15)], LONG: [(1, 1)]}))
        self.assertEqual((picture.overlaps(), picture.outside()), ([], []))

    def test_nothing_measured(self):
        for series in ({}, {"wix::Client": []}, {"wix::Client": [(1, 0)]}):
            self.assertIn("Nothing was measured", lines(series))


class BarsTest(unittest.TestCase):
    def test_lengths_are_as_the_values(self):
        values = [("raw Beast", 10), ("wix::Client", 12.5), ("@wix/sdk", 250), ("x", 0)]
        picture = Picture(Bars("CPU", "µs", values).svg())
        bars = picture.all("rect", "bar")
        lengths = [float(bar.get("width")) for bar in bars]
        for length, value in zip(lengths, (10, 12.5, 250, 0)):
            self.assertAlmostEqual(length, value / 250 * lengths[2], delta=0.1)
        self.assertGreater(lengths[2], 400)
        self.assertEqual([bar.get("fill") == ACCENT for bar in bars], [False, True, False, False])
        self.assertEqual([e.text for e in picture.all("text", "value")], ["10", "12.5", "250", "0"])
        starts = {bar.get("x") for bar in bars}
        self.assertEqual(len(starts), 1)

    def test_the_order_is_the_callers(self):
        picture = Picture(Bars("CPU", "µs", [("b", 1), ("wix::Client", 3), ("a", 2)]).svg())
        self.assertEqual([e.text for e in picture.all("text", "name")], ["b", "wix::Client", "a"])
        tops = [float(bar.get("y")) for bar in picture.all("rect", "bar")]
        self.assertEqual(tops, sorted(tops))

    def test_names_of_any_length(self):
        picture = Picture(Bars(LONG * 2, "µs", [(LONG, 1.2e6), ("wix::" + "x" * 90, 3), ("a", 2)], note=LONG * 4).svg())
        self.assertEqual((picture.overlaps(), picture.outside()), ([], []))

    def test_what_has_no_value_is_left_out(self):
        picture = Picture(Bars("a", "b", [("x", None), ("y", 1), ("z", float("nan"))]).svg())
        self.assertEqual(len(picture.all("rect", "bar")), 1)
        self.assertIn("Nothing was measured", Bars("a", "b", [("x", None)]).svg())


class PictureTest(unittest.TestCase):
    def charts(self):
        yield Lines("a < b & c", "N", "µs", {"wix::Client": [(1, 2), (10, 3)], '"quoted" & <b>': [(1, 9)]})
        yield Bars("a < b & c", "µs", [("wix::Client", 1), ('"quoted" & <b>', 2)])

    def test_they_stand_alone_and_say_what_they_show(self):
        for chart in self.charts():
            svg = chart.svg()
            picture = Picture(svg)
            self.assertEqual([e.text for e in picture.all("title")], ["a < b & c"])
            self.assertIn('"quoted" & <b>', picture.all("desc")[0].text)
            for foreign in ("<script", "<image", "href", "url(", "@import", "http://", "https://"):
                self.assertNotIn(foreign, svg.replace('xmlns="http://www.w3.org/2000/svg"', ""))
            self.assertIn("sans-serif", picture.root.get("font-family"))
            sheet = picture.all("rect")[0]
            self.assertEqual(sheet.get("fill"), "#ffffff")
            self.assertAlmostEqual(float(sheet.get("width")), picture.width, delta=1)

    def test_the_same_data_give_the_same_bytes(self):
        for one, other in zip(self.charts(), self.charts()):
            self.assertEqual(one.svg(), other.svg())
            self.assertNotRegex(one.svg(), r'[xy][12]?="[\d.]*\.\d\d')


class AxisTest(unittest.TestCase):
    def test_it_begins_and_ends_with_round_numbers(self):
        for values, low, high in (([3, 70], 2, 100), ([1, 1000], 1, 1000), ([0.0012, 0.3], 0.001, 0.5)):
            axis = LogAxis(values, 0, 100)
            self.assertAlmostEqual(axis.low, low)
            self.assertAlmostEqual(axis.high, high)

    def test_it_covers_a_least_ratio(self):
        for value in (0.001, 7, 10, 1e6):
            axis = LogAxis([value], 0, 100, 10)
            self.assertGreaterEqual(axis.high / axis.low, 9.99)
            self.assertLess(axis.high / axis.low, 60)
            self.assertTrue(0 < axis.at(value) < 100)

    def test_few_decades_have_more_numbers(self):
        self.assertEqual([text for _, text in LogAxis([1, 9], 0, 100).labels()], ["1", "2", "5", "10"])
        self.assertEqual([text for _, text in LogAxis([1, 1000], 0, 100).labels()], ["1", "10", "100", "1 000"])


class WordsTest(unittest.TestCase):
    def test_figures(self):
        for value, text in (
            (0, "0"), (1, "1"), (1.5, "1.5"), (17.21, "17.2"), (100, "100"), (1234567, "1 234 567"), (0.0834, "0.0834"),
            (0.5, "0.5"), (0.001, "0.001"), (10, "10"), (1000, "1 000"),
        ):  # fmt: skip
            self.assertEqual(shown(value), text)

    def test_wrapping_loses_nothing(self):
        self.assertEqual(" ".join(wrap(LONG, 12, 100)), LONG)
        self.assertEqual("".join(wrap("x" * 100, 12, 100)), "x" * 100)
        self.assertEqual(wrap("short", 12, 100), ["short"])


if __name__ == "__main__":
    unittest.main()
