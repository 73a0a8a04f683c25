"""The servers that clients are measured against: processes on loopback that end with the conductor.

    with servers.nginx(bench, tls=True) as server:
        server.url, server.ca_file, server.token()
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from conductor import processes

# Both servers have it. The fake answers with 905 bytes, nginx with about as many.
PRODUCT = "/stores/v3/products/a0000000-0000-4000-8000-000000000002?fields=URL&fields=CURRENCY&fields=PLAIN_DESCRIPTION"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"


class Missing(Exception):
    """There is no such server on this machine."""


class Server:
    def __init__(self, name, url, ca_file, process, folder=None):
        self.name = name
        self.url = url  # of localhost, since that is what the certificate says
        self.ca_file = ca_file  # None: plain TCP
        self.pid = process.pid  # of the process that does all the work
        self._process = process
        self._folder = folder

    def token(self):
        """An access token of a new visitor."""
        return self.ask("/oauth2/token", {"clientId": CLIENT_ID, "grantType": "anonymous"})["access_token"]

    def ask(self, path, body=None):
        """The JSON of an answer; with a body, to a POST of it as JSON."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return json.load(answer)

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self._folder:
            self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeWix(Server):
    """Counts what it is asked for."""

    def configure(self, **changes):
        self.ask("/_fake/config", changes)

    def state(self):
        return self.ask("/_fake/state")


def fake(bench, tls=True, pin=True):
    """The fake Wix of this repository."""
    program = bench.build / "src" / "testing" / "wix-fake"
    process = subprocess.Popen(
        [program] + ([] if tls else ["--plain"]),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=processes.child(processes.LAST if pin and bench.pin else None),
    )
    watch = threading.Timer(20, process.kill)
    watch.start()
    line = process.stdout.readline()
    watch.cancel()
    if not line:
        process.wait()
        raise RuntimeError("wix-fake did not start")
    ready = json.loads(line)
    return FakeWix("wix-fake", ready["url"], ready["caFile"], process)


def nginx(bench, tls, pin=True):
    """nginx that answers from memory, as one process. Throws Missing."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Missing("there is no nginx")
    below = bench.build / "servers"
    below.mkdir(exist_ok=True)
    _remove_leftovers(below)
    folder = tempfile.TemporaryDirectory(prefix=f"nginx-{os.getpid()}-", dir=below)
    prefix = Path(folder.name).resolve()
    try:
        if tls:
            subprocess.run([bench.program("make_certificate"), prefix], check=True, timeout=20)
        port = _free_port()
        (prefix / "nginx.conf").write_text(_configuration(port, tls))
        process = subprocess.Popen(
            [program, "-p", prefix, "-c", prefix / "nginx.conf", "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            preexec_fn=processes.child(processes.LAST if pin and bench.pin else None),
        )
        _wait_for(process, port)
    except Exception:
        folder.cleanup()
        raise
    scheme = "https" if tls else "http"
    return Server("nginx", f"{scheme}://localhost:{port}", str(prefix / "ca.pem") if tls else None, process, folder)


def _remove_leftovers(below):
    """Of conductors that were killed."""
    for folder in below.glob("nginx-*-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(process, port, seconds=10):
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    process.kill()
    process.wait()
    raise Missing("nginx does not start with the benchmark's configuration; its message is above")


def _configuration(port, tls):
    certificate = "ssl_certificate server.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;" if tls else ""
    return f"""
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port}{" ssl" if tls else ""};
        {certificate}
        add_header x-wix-request-id 1718000000.1234567890;
        location = /oauth2/token {{ return 200 '{_token()}'; }}
        location /stores/ {{ return 200 '{_product()}'; }}
    }}
}}
"""


def _token():
    """With tokens as long as Wix's."""
    return json.dumps(
        {
            "access_token": "OauthNG.JWS." + "a" * 748,
            "refresh_token": "JWS." + "r" * 396,
            "token_type": "Bearer",
            "expires_in": 14400,
        }
    )


def _product():
    """About 950 bytes."""
    product = {
        "id": "0f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        "name": "Oak chair",
        "slug": "oak-chair",
        "visible": True,
        "productType": "physical",
        "description": "A comfortable chair of oiled oak, made to outlive its owner. " * 6,
        "sku": "CH-0001",
        "weight": 4.5,
        "stock": {"trackInventory": True, "inStock": True, "quantity": 42, "inventoryStatus": "IN_STOCK"},
        "price": {
            "currency": "EUR",
            "price": 129.5,
            "discountedPrice": 99.5,
            "formatted": {"price": "129,50 €", "discountedPrice": "99,50 €"},
        },
        "productOptions": [],
        "collectionIds": ["00000000-0000-0000-0000-000000000001", "7a8b9c0d-1e2f-3041-5263-748596a7b8c9"],
        "createdDate": "2024-06-10T08:00:00.000Z",
        "lastUpdated": "2024-06-10T08:00:00.000Z",
    }
    return json.dumps({"product": product}, separators=(",", ":"), ensure_ascii=False)
