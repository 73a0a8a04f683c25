import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

from conducted import Question, record

from conductor import machine, report
from conductor.results import Results, Run

MACHINE = {"cores": "2", "processor": "A Chip", "compiler": "g++ 12.2.0", "Boost": "1.81"}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build, self.docs = Path(folder.name) / "build", Path(folder.name) / "docs"
        self.docs.mkdir()

    def measured(self, *questions, began="2030-01-31 12:00 UTC", time=1.5, count=1, **more):
        results = Results(self.build)
        for question in questions:
            records = [
                record(question.NAME, "wix::Client", "time", time, "ms", callers=10),
                record(question.NAME, "wix::Client", "exchanges", count, callers=10),
            ]
            results.put(question.NAME, records, Run(began, machine=MACHINE, **more))
        return results

    def written(self, results, *questions):
        self.assertTrue(report.write(results, questions, self.docs))
        return (self.docs / "benchmarks.md").read_text()


class ReportTest(Case):
    def test_a_section_has_all_its_parts_in_order(self):
        question = Question()
        text = self.written(self.measured(question, left_out=["raw Beast was left out: no reason"]), question)
        parts = [
            "# Benchmarks\n",
            "Taken on 2030-01-31 12:00 UTC. Machine and programs: 2 cores, A Chip, g++ 12.2.0, Boost 1.81.",
            "## The numbers in short",
            "Targets: 1 reached, 1 missed.",
            "## Is it quick, really?\n",
            "\n    ./run bench quick\n",
            "| wix::Client |    1.50 |",
            "| time      |      1.5 | at most 1 | **missed** |",
            "![How long](benchmarks/quick-1.svg)",
            "![How much](benchmarks/quick-2.svg)",
            "*raw Beast was left out: no reason*",
            "It says nothing.",
        ]
        at = 0
        for part in parts:
            self.assertIn(part, text[at:])
            at = text.index(part, at) + len(part)
        self.assertTrue(text.endswith("nothing.\n"))

    def test_the_short_table_links_to_the_sections(self):
        one, other = Question("quick"), Question("slow")
        other.QUESTION = "What does `N` cost — 1 000 (or more)?"
        text = self.written(self.measured(one, other), one, other)
        self.assertIn("[quick](#is-it-quick-really)", text)
        self.assertIn("[slow](#what-does-n-cost--1-000-or-more)", text)
        short = text[text.index("## The numbers") : text.index("## Is it")]
        self.assertEqual(short.count("**missed**"), 2)
        self.assertEqual(short.count("reached |"), 2)

    def test_misses_and_wrong_counts_are_not_hidden(self):
        question = Question()
        text = self.written(self.measured(question, count=3, failed=True), question)
        self.assertEqual(text.count("**wrong**"), 2)
        self.assertEqual(text.count("**missed**"), 2)
        self.assertIn("1 missed, 1 wrong", text)
        self.assertIn("**This benchmark failed in its last run", text)

    def test_a_miss_by_very_little_looks_like_one(self):
        question = Question()
        text = self.written(self.measured(question, time=1.0004), question)
        self.assertIn("|   1.0004 | at most 1 | **missed** |", text)

    def test_figures(self):
        for value, text in (
            (1.154, "1.15"), (0.6, "0.6"), (1 / 12, "0.0833"), (10, "10"), (1234.56, "1 235"), (123.4, "123"),
            (0.00123, "0.00123"), (99.99, "100"), (1000, "1 000"), (0.5, "0.5"), (None, ""), (0, "0"),
        ):  # fmt: skip
            self.assertEqual(report._figure(value), text)

    def test_records_of_different_runs_are_told(self):
        one, other = Question("quick"), Question("slow")
        self.measured(one)
        results = self.measured(other, began="2030-02-01 08:00 UTC", options="--no-pin")
        text = self.written(results, one, other)
        self.assertIn("**The records are of different runs**", text)
        self.assertIn("- `quick`: 2030-01-31 12:00 UTC. Machine", text)
        self.assertIn("- `slow`: 2030-02-01 08:00 UTC, `--no-pin`. Machine", text)
        self.assertNotIn("different runs", self.written(self.measured(one, other), one, other))
        self.assertIn("different runs", self.written(self.measured(one, began="2030-02-01 08:00 UTC"), one, other))

    def test_records_without_a_run_are_told(self):
        one, other = Question("quick"), Question("slow")
        results = self.measured(one, other)
        del results.runs["slow"]
        self.assertIn("- `slow`: not known when.", self.written(results, one, other))
        results.runs.clear()
        self.assertIn("is not known", self.written(results, one, other))

    def test_nothing_is_written_before_all_is_measured(self):
        one, other = Question("quick"), Question("slow")
        results = self.measured(one)
        (self.docs / "benchmarks.md").write_text("as it was")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertFalse(report.write(results, [one, other], self.docs))
        self.assertIn("not measured are slow", said.getvalue())
        self.assertEqual((self.docs / "benchmarks.md").read_text(), "as it was")

    def test_charts_that_are_no_longer_made_go(self):
        question = Question()
        folder = self.docs / "benchmarks"
        folder.mkdir()
        for name in ("quick-3.svg", "gone-1.svg", "photo.png", "hand-made.svg"):
            (folder / name).write_text("")
        self.written(self.measured(question), question)
        names = sorted(path.name for path in folder.iterdir())
        self.assertEqual(names, ["hand-made.svg", "photo.png", "quick-1.svg", "quick-2.svg"])
        self.assertTrue((folder / "quick-1.svg").read_text().startswith("<svg"))

    def test_the_same_results_give_the_same_report(self):
        question = Question()
        results = self.measured(question)
        self.assertEqual(self.written(results, question), self.written(Results(self.build), question))

    def test_a_section_tells_whether_the_counts_are_right(self):
        question = Question()
        for count, right in ((1, True), (2, False)):
            results = self.measured(question, count=count)
            self.assertEqual(report.section(question, results.of("quick"))[1], right)
        self.assertTrue(report.section(question, Results(self.build / "empty").of("quick"))[1], "nothing measured")


class ResultsTest(Case):
    KEYS = ["benchmark", "subject", "parameters", "metric", "unit", "median", "min", "max", "rounds"]

    def test_records_have_exactly_these_keys(self):
        self.measured(Question())
        for entry in json.loads((self.build / "results.json").read_text()):
            self.assertEqual(list(entry), self.KEYS)

    def test_a_run_of_one_benchmark_keeps_the_others(self):
        one, other = Question("quick"), Question("slow")
        self.measured(one, other, time=1)
        results = self.measured(one, time=2)
        for results in (results, Results(self.build)):
            self.assertEqual(results.of("quick").median("wix::Client", "time", callers=10), 2)
            self.assertEqual(results.of("slow").median("wix::Client", "time", callers=10), 1)
            self.assertEqual(len(results.records), 4)
            self.assertEqual(sorted(results.runs), ["quick", "slow"])

    def test_a_smoke_run_has_files_of_its_own(self):
        self.measured(Question())
        before = {path.name: path.read_text() for path in self.build.iterdir()}
        Results(self.build, smoke=True).put("quick", [], Run("now"))
        for name, text in before.items():
            self.assertEqual((self.build / name).read_text(), text)
        self.assertEqual(Results(self.build, smoke=True).records, [])


class MachineTest(Case):
    def test_it_knows_this_machine_and_names_neither_host_nor_path(self):
        facts = machine.facts(self.build)
        for name in ("cores", "processor", "system"):
            self.assertTrue(facts[name])
        self.assertNotRegex(json.dumps(facts), r"[ \"(=]/\w")
        self.assertTrue(all(isinstance(value, str) for value in facts.values()))

    def test_in_words(self):
        self.assertEqual(machine.sentence({"cores": "1", "Boost": "1.81"}), "1 core, Boost 1.81")
        self.assertEqual(machine.sentence({}), "")

    def test_the_pinned_version_of_the_sdk(self):
        self.build.mkdir()
        (self.build / "package.json").write_text('{"dependencies": {"@wix/sdk": "1.21.16"}}')
        self.assertEqual(machine._sdk(self.build), "1.21.16")
        self.assertEqual(machine._sdk(self.docs), "")


if __name__ == "__main__":
    unittest.main()
