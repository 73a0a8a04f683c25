"""What runs have left in the folder of the build: results.json, and machine.json beside it."""

import json
import os
from dataclasses import asdict, dataclass, field

from conductor.samples import Record, Records


@dataclass
class Run:
    """How one benchmark was run, the last time."""

    began: str  # when ./run bench was called, which may have run others as well: "2030-01-31 12:00 UTC"
    seconds: float = 0  # how long this benchmark took
    options: str = ""  # as in the command: "--no-pin"
    machine: dict = field(default_factory=dict)  # what machine.facts() told
    left_out: list = field(default_factory=list)  # rivals that are not installed, as sentences
    failed: bool = False  # then its records are not complete


class Results:
    """Records and runs by benchmark. Whoever runs one benchmark keeps what was measured in the others."""

    def __init__(self, folder, smoke=False):
        self.path = folder / ("smoke.json" if smoke else "results.json")
        self._runs_path = folder / ("smoke-machine.json" if smoke else "machine.json")
        self.records = [Record(**record) for record in _read(self.path, [])]
        self.runs = {name: Run(**run) for name, run in _read(self._runs_path, {}).items()}

    def of(self, name):
        return Records(record for record in self.records if record.benchmark == name)

    def run(self, name):
        """None: it is not known how the records came about."""
        return self.runs.get(name)

    def put(self, name, records, run):
        """What a benchmark has measured now, instead of what it had measured before; written at once."""
        self.records = [record for record in self.records if record.benchmark != name] + list(records)
        self.runs[name] = run
        _write(self.path, [asdict(record) for record in self.records])
        _write(self._runs_path, {name: asdict(run) for name, run in self.runs.items()})


def _read(path, nothing):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else nothing


def _write(path, content):
    """All of it or nothing, however the run ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(new, path)
