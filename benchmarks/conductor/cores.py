"""A core each for client and server, so that neither takes the other's time."""

import os
import shutil


def pinned(bench, command, core):
    """The command, kept to the "first" core (a client) or the "last" (a server); as it is where that cannot be."""
    if not bench.pin or shutil.which("taskset") is None:
        return list(command)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return list(command)
    return ["taskset", "-c", str(cores[0] if core == "first" else cores[-1]), *command]
