"""wrk, the ceiling: it does not look at what it is answered."""

import os
import re
import shutil
import subprocess
import threading

from conductor import processes

_MICROS = {"us": 1, "ms": 1e3, "s": 1e6}


class Wrk:
    """Asked like a Contender, but each round is a run of its own, of whole seconds, with connections of its own."""

    name = "wrk"

    def __init__(self, url, headers, connections, core=None):
        fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        self._command = ["wrk", "-t1", f"-c{connections}", "--latency", *fields, url]
        self._core = core

    @staticmethod
    def why_missing():
        return None if shutil.which("wrk") else "there is no wrk"

    def go(self, milliseconds):
        seconds = 1 if milliseconds < 1000 else 2  # twice as long, so that its handshakes weigh less
        process = subprocess.Popen(
            [*self._command, f"-d{seconds}s"],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=processes.child(self._core),
        )
        watch = threading.Timer(seconds + 20, process.kill)
        watch.start()
        text = process.stdout.read()
        process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"wrk ended with {process.returncode}")
        done = re.search(r"(\d+) requests in ([\d.]+)(\w+)", text)
        if "Socket errors" in text or "Non-2xx" in text:
            raise RuntimeError("wrk met errors")
        return {
            "calls": int(done[1]),
            "cpuMicros": (used.ru_utime + used.ru_stime) * 1e6,
            "wallMicros": float(done[2]) * _MICROS[done[3]],
            "p50Micros": _latency(text, 50),
            "p99Micros": _latency(text, 99),
        }

    def close(self):
        pass


def _latency(text, percent):
    found = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s)$", text, re.MULTILINE)
    return float(found[1]) * _MICROS[found[2]]
