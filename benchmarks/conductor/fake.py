"""The fake Wix as a server of its own, the same one for every subject: it counts what they ask of it."""

import ctypes
import json
import signal
import ssl
import subprocess
import sys
import urllib.request

from conductor.cores import pinned


class FakeWix:
    """Serves until close(), or until the conductor ends."""

    def __init__(self, bench):
        command = pinned(bench, [str(bench.build / "src" / "testing" / "wix-fake")], "last")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=_end_with_parent)
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError("wix-fake did not start")
        ready = json.loads(ready)
        self.url = ready["url"]
        self.ca_file = ready["caFile"]
        self._trust = ssl.create_default_context(cafile=self.ca_file)

    def configure(self, **changes):
        self._ask("/_fake/config", json.dumps(changes).encode())

    def state(self):
        return self._ask("/_fake/state")

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20, context=self._trust) as answer:
            return json.load(answer)


def _end_with_parent():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
