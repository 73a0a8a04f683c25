import sys
import time
import unittest

import conducted  # noqa: F401

from conductor.contender import Contender

READY = "import sys; print('{\"ready\": true}', flush=True)\n"
ANSWERS = READY + """
for line in sys.stdin:
    word, milliseconds = line.split()
    print('{"calls": %d, "word": "%s"}' % (int(milliseconds) * 2, word), flush=True)
"""


def contender(program, seconds=20, **more):
    return Contender("a rival", [sys.executable, "-S", "-c", program], seconds=seconds, **more)


class ContenderTest(unittest.TestCase):
    def setUp(self):
        self._began = time.monotonic()

    def tearDown(self):
        self.assertLess(time.monotonic() - self._began, 15, "nothing waits for ever")

    def test_it_answers_each_round_and_ends_when_it_is_left(self):
        with contender(ANSWERS) as rival:
            self.assertEqual(rival.go(100), {"calls": 200, "word": "go"})
            self.assertEqual(rival.go(50), {"calls": 100, "word": "go"})
            self.assertIsNone(rival._process.poll())
            self.assertGreater(rival.pid, 0)
        self.assertEqual(rival._process.returncode, 0)

    def test_it_gets_its_environment(self):
        program = READY + "import os; sys.stdin.readline(); print('{\"a\": %s}' % os.environ['WIX_BENCH'], flush=True)"
        with contender(program, environment={"WIX_BENCH": "7"}) as rival:
            self.assertEqual(rival.go(1), {"a": 7})

    def test_one_that_dies_is_told_by_name(self):
        with contender(READY + "sys.stdin.readline(); sys.exit(3)") as rival:
            with self.assertRaisesRegex(RuntimeError, "a rival ended"):
                rival.go(1)
            rival._process.wait(timeout=10)
            with self.assertRaisesRegex(RuntimeError, "a rival has ended"):
                rival.go(1)

    def test_one_that_dies_before_it_is_ready(self):
        with self.assertRaisesRegex(RuntimeError, "a rival ended"):
            contender("raise SystemExit(1)")

    def test_one_that_is_not_ready(self):
        for said in ('{"ready": false}', "{}", "[]", "hello"):
            with self.assertRaisesRegex(RuntimeError, "a rival"):
                contender(f"print('{said}', flush=True); import sys; sys.stdin.read()")

    def test_one_that_hangs_is_killed(self):
        rival = contender(READY + "import signal; signal.pause()", seconds=0.3, patience=0.2)
        with self.assertRaisesRegex(RuntimeError, "took longer than 0.3 s"):
            rival.go(1)
        rival.close()
        self.assertEqual(rival._process.returncode, -9)

    def test_one_that_never_gets_ready_is_killed(self):
        with self.assertRaisesRegex(RuntimeError, "took longer"):
            contender("import signal; signal.pause()", seconds=0.3)

    def test_one_that_does_not_end_is_killed(self):
        with contender(READY + "import signal; signal.pause()", patience=0.2) as rival:
            pass
        self.assertEqual(rival._process.returncode, -9)

    def test_nonsense_is_told(self):
        with contender(READY + "sys.stdin.readline(); print('nonsense', flush=True)") as rival:
            with self.assertRaisesRegex(RuntimeError, "a rival said 'nonsense'"):
                rival.go(1)


if __name__ == "__main__":
    unittest.main()
