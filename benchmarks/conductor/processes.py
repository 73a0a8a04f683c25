"""Processes that keep to a core, and that end when the conductor does, however it does."""

import ctypes
import os
import signal
import sys

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

FIRST, LAST = "first", "last"  # of the cores that this process may use: clients get the first, servers the last


def child(core=None):
    """For subprocess's preexec_fn. The process gets SIGTERM if the conductor is killed."""
    parent = os.getpid()

    def prepare():
        if _prctl:
            _prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        if core and len(_CORES) > 1:
            os.sched_setaffinity(0, {_CORES[0] if core == FIRST else _CORES[-1]})

    return prepare


def cpu_seconds(pid):
    """User and system time that a process has used; 0 where that cannot be told."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
