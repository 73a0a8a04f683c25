"""A rival that makes calls in a process of its own, when it is told to."""

import json
import os
import subprocess
import threading


class Contender:
    """Keeps its connections open between the rounds.

    The program says {"ready": true} when it has connected and warmed up. To each line `go MILLISECONDS` it makes calls
    for about so long, and answers with one JSON object:

        {"calls": 60000, "cpuMicros": ..., "wallMicros": ..., "p50Micros": ..., "p99Micros": ..., "allocations": ...}

    cpuMicros is user and system time of its whole process in that round; allocations may be missing. It ends when its
    standard input does. A program that fails ends with a message on standard error. One that does not answer within
    `seconds`, or does not end within `patience` seconds, is killed.
    """

    def __init__(self, name, command, environment=None, seconds=60, patience=10):
        self.name = name
        self._seconds = seconds
        self._patience = patience
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        try:
            if self._read().get("ready") is not True:
                raise RuntimeError(f"{name} did not say that it is ready")
        except BaseException:
            self._process.kill()
            self.close()
            raise

    @property
    def pid(self):
        return self._process.pid

    def go(self, milliseconds):
        """One round. Gives what the program measured, as a dict."""
        return self.ask(f"go {milliseconds}")

    def ask(self, line):
        """Anything else that the program understands."""
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f"{self.name} has ended") from None
        return self._read()

    def close(self):
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already
        try:
            self._process.wait(timeout=self._patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        watch = threading.Timer(self._seconds, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise RuntimeError(f"{self.name} ended, or took longer than {self._seconds} s")
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise RuntimeError(f"{self.name} said {line.strip()[:80]!r}, which is no JSON object")
        return said
