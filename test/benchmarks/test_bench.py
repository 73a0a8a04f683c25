import contextlib
import io
import json
import signal
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from conducted import Question

import bench
from conductor import machine
from conductor.samples import Records
from questions import ALL


def fail():
    raise RuntimeError("it broke")


def interrupt():
    signal.raise_signal(signal.SIGINT)


def terminate():
    signal.raise_signal(signal.SIGTERM)


class BenchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build, self.docs = Path(folder.name) / "build", Path(folder.name) / "docs"
        self.docs.mkdir()
        for name in (signal.SIGTERM, signal.SIGALRM):
            self.addCleanup(signal.signal, name, signal.getsignal(name))
        quick = mock.patch.object(machine, "facts", return_value={"cores": "2"})
        quick.start()
        self.addCleanup(quick.stop)

    def run_bench(self, *words, questions=None):
        """Gives the exit code; what was said is in self.out and self.err."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                return bench.main([str(self.build), *words], questions or [Question()], self.docs)
            except SystemExit as end:
                return end.code
            finally:
                self.out, self.err = out.getvalue(), err.getvalue()

    def results(self):
        return json.loads((self.build / "results.json").read_text())

    def test_a_run_leaves_results_and_the_report(self):
        self.assertEqual(self.run_bench(), 0)
        self.assertEqual({entry["rounds"] for entry in self.results()}, {5})
        self.assertTrue((self.docs / "benchmarks.md").exists())
        self.assertIn("1 benchmark in 0 min", self.out)
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0, 0), "nothing is left to go off")
        runs = json.loads((self.build / "machine.json").read_text())
        self.assertEqual(runs["quick"]["left_out"], ["raw Beast was left out: it is not there"])
        self.assertEqual(runs["quick"]["machine"], {"cores": "2"})
        self.assertRegex(runs["quick"]["began"], r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC$")

    def test_a_report_of_the_results_there_are(self):
        self.run_bench()
        text = (self.docs / "benchmarks.md").read_text()
        (self.docs / "benchmarks.md").unlink()
        self.assertEqual(self.run_bench("--report-only", questions=[Question(action=fail)]), 0)
        self.assertEqual((self.docs / "benchmarks.md").read_text(), text)
        self.assertIn("raw Beast was left out", text)

    def test_a_smoke_run_is_one_round_and_writes_no_report(self):
        self.assertEqual(self.run_bench("--smoke"), 0)
        self.assertFalse((self.build / "results.json").exists())
        self.assertEqual({e["rounds"] for e in json.loads((self.build / "smoke.json").read_text())}, {1})
        self.assertEqual(list(self.docs.iterdir()), [])

    def test_a_wrong_count_fails_and_a_missed_ratio_does_not(self):
        self.assertEqual(self.run_bench(questions=[Question(time=99)]), 0)
        self.assertEqual(self.run_bench(questions=[Question(count=2)]), 1)
        self.assertIn("quick: a count is wrong", self.err)
        self.assertEqual(self.run_bench("--smoke", questions=[Question(count=2)]), 1)

    def test_after_one_that_breaks_the_next_is_run(self):
        self.assertEqual(self.run_bench(questions=[Question("a", action=fail), Question("b")]), 1)
        self.assertIn("a: it broke", self.err)
        self.assertIn("failed: a;", self.err)
        self.assertEqual({entry["benchmark"] for entry in self.results()}, {"a", "b"})
        self.assertEqual(list(self.docs.iterdir()), [])

    def test_who_runs_one_keeps_the_others(self):
        questions = [Question("a"), Question("b")]
        self.run_bench(questions=questions)
        self.assertEqual(self.run_bench("b", "--rounds", "7", questions=questions), 0)
        self.assertEqual({(e["benchmark"], e["rounds"]) for e in self.results()}, {("a", 5), ("b", 7)})
        self.assertIn("different runs", (self.docs / "benchmarks.md").read_text())

    def test_an_interrupt_keeps_what_is_complete(self):
        for action in (interrupt, terminate):
            questions = [Question("a"), Question("b", action=action), Question("c")]
            self.assertEqual(self.run_bench(questions=questions), 130)
            self.assertEqual({entry["benchmark"] for entry in self.results()}, {"a"})
            self.assertIn("Stopped", self.err)
            self.assertNotIn("Traceback", self.err)
            self.assertEqual(list(self.docs.iterdir()), [])

    def test_the_time_for_all_is_bounded(self):
        slow = Question("slow", action=signal.pause)
        began = time.monotonic()
        self.assertEqual(self.run_bench("--minutes", "0.005", questions=[slow, Question("later")]), 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("slow: the time for all benchmarks is over", self.err)
        self.assertIn("later was not begun", self.err)
        self.assertIn("failed: slow, later", self.err)

    def test_what_there_is(self):
        self.assertEqual(self.run_bench("--list"), 0)
        self.assertIn("quick                Is it quick, really?", self.out)
        self.assertFalse(self.build.exists())
        self.assertEqual(self.run_bench("fast"), 2)
        self.assertIn("there is no benchmark fast; there are quick", self.err)


class QuestionsTest(unittest.TestCase):
    """Of all modules in benchmarks/questions."""

    def test_they_have_what_a_question_has(self):
        self.assertEqual(len({question.NAME for question in ALL}), len(ALL))
        for question in ALL:
            with self.subTest(question.NAME):
                self.assertEqual(question.__name__, f"questions.{question.NAME}")
                self.assertRegex(question.NAME, r"^[a-z_]+$")
                self.assertTrue(question.QUESTION.endswith("?"))
                self.assertGreater(len(question.CAVEAT.strip()), 80)
                for name in ("run", "targets", "tables", "charts"):
                    self.assertTrue(callable(getattr(question, name)))

    def test_every_module_is_asked(self):
        folder = Path(bench.__file__).parent / "questions"
        modules = {path.stem for path in folder.glob("*.py") if "\nQUESTION = " in path.read_text()}
        self.assertEqual(modules, {question.NAME for question in ALL})

    def test_they_can_tell_that_nothing_was_measured(self):
        for question in ALL:
            with self.subTest(question.NAME):
                nothing = Records([])
                for target in question.targets(nothing):
                    self.assertEqual(target.verdict, "not measured", target.what)
                for table in question.tables(nothing):
                    self.assertIn("|", str(table))
                for chart in question.charts(nothing):
                    self.assertIn("Nothing was measured", chart.svg())


if __name__ == "__main__":
    unittest.main()
