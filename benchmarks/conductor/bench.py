"""What a benchmark is run with: the build, how long, and where its samples go."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from conductor.samples import Samples


@dataclass
class Bench:
    build: Path  # of the Release build
    samples: Samples
    smoke: bool = False  # only what is right or wrong, in some seconds
    wanted_rounds: int = 0  # 0: the benchmark's own
    pin: bool = True  # client and server keep to a core each
    left_out: list = field(default_factory=list)  # what is not there, as sentences

    def rounds(self, usual=5):
        return self.wanted_rounds or (1 if self.smoke else usual)

    def program(self, name):
        """The path of a program that the build has made."""
        path = self.build / "benchmarks" / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is not built")
        return path

    def measure(self, name, *arguments, rounds=0, seconds=300):
        """Runs a program that measures by itself and prints a sample on each line."""
        command = [str(self.program(name)), "--rounds", str(rounds or self.rounds()), *map(str, arguments)]
        if self.smoke:
            command.append("--smoke")
        if not self.pin:
            command.append("--no-pin")
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=seconds)
        for line in done.stdout.splitlines():
            self.samples.add_line(line)
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}")

    def leave_out(self, rival, why):
        """A rival that is not installed: told, and no failure."""
        self.left_out.append(f"{rival} was left out: {why}")
        print(f"  {self.left_out[-1]}", file=sys.stderr)
