"""System calls of a contender."""

import re
import shutil
import subprocess
import tempfile

from conductor.contender import Contender


def why_missing():
    """None if processes can be traced here."""
    if shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(
        ["strace", "-c", "-o", "/dev/null", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20
    )
    return None if tried.returncode == 0 else "strace may not trace here"


def system_calls(name, command, environment=None, short=100, long=500, core=None):
    """Of one call: the difference between a long and a short run, so that the start and the end of both cancel out.

    None if the longer run got no more calls through.
    """
    totals = []
    for milliseconds in (short, long):
        with tempfile.NamedTemporaryFile("r") as summary:
            traced = ["strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", summary.name, *command]
            with Contender(name, traced, environment, core=core) as contender:
                calls = contender.ready["calls"] + contender.go(milliseconds)["calls"]
            counted = sum(
                int(line[1])
                for line in re.finditer(r"^ *(\d+) (\w+)$", summary.read(), re.MULTILINE)
                if line[2] != "total"
            )
        totals.append((calls, counted))
    (fewer, small), (more, large) = totals
    return (large - small) / (more - fewer) if more > fewer else None
