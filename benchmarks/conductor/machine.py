"""What a run is taken with: the machine, the compiler, the libraries and the rivals. No name of a host, and no path."""

import os
import platform
import re
import subprocess
from pathlib import Path

# As the compiler sees them; a header that is not there stays a word.
_VERSIONS = """
#if __has_include(<boost/version.hpp>)
#include <boost/version.hpp>
version Boost BOOST_LIB_VERSION
#endif
#if __has_include(<openssl/opensslv.h>)
#include <openssl/opensslv.h>
version OpenSSL OPENSSL_VERSION_STR
#endif
#if __has_include(<curl/curlver.h>)
#include <curl/curlver.h>
version libcurl LIBCURL_VERSION
#endif
"""
_PROGRAMS = {
    "Node.js": ["node", "--version"],
    "nginx": ["nginx", "-v"],
    "curl": ["curl", "--version"],
    "wrk": ["wrk", "-v"],
}


def facts(build):
    """As texts by name, in the order in which they are told; what is not known is not in it."""
    cache = _cache(build / "CMakeCache.txt")
    told = {
        "cores": str(os.cpu_count() or ""),
        "processor": _line("/proc/cpuinfo", r"model name\s*: (.*)") or platform.machine(),
        "memory": _memory(),
        "system": _system(),
        "compiler": _compiler(cache),
        **_libraries(cache),
        **{name: _version(command) for name, command in _PROGRAMS.items()},
        "@wix/sdk": _sdk(Path(__file__).parent.parent / "peers"),
    }
    return {name: value for name, value in told.items() if value}


def sentence(told):
    """The facts in words."""
    told = dict(told)
    cores = told.pop("cores", "")
    first = f"{cores} core{'' if cores == '1' else 's'}" if cores else ""
    named = [told.pop(name, "") for name in ("processor", "memory", "system", "compiler")]
    return ", ".join(part for part in [first, *named, *(f"{name} {value}" for name, value in told.items())] if part)


def _line(path, pattern):
    """The first group of the first match in a file, or nothing."""
    try:
        found = re.search(pattern, Path(path).read_text(errors="replace"))
    except OSError:
        return ""
    return " ".join(found[1].split()) if found else ""


def _memory():
    kilobytes = _line("/proc/meminfo", r"MemTotal:\s+(\d+)")
    return f"{int(kilobytes) / 1024**2:.0f} GB" if kilobytes else ""


def _system():
    name = _line("/etc/os-release", r'(?m)^PRETTY_NAME="?([^"\n]*)')
    release = re.match(r"\d+\.\d+", platform.release())
    kernel = f"{platform.system()} {release[0]}" if release else platform.system()
    return f"{name} ({kernel})" if name else kernel


def _cache(path):
    """The variables of a build."""
    if not path.exists():
        return {}
    return dict(re.findall(r"(?m)^([A-Za-z_0-9]+):[A-Z]+=(.*)$", path.read_text()))


def _compiler(cache):
    """Without the program's name, which may be a path."""
    line = _output([cache.get("CMAKE_CXX_COMPILER", "c++"), "--version"]).partition("\n")[0]
    name = "clang" if "clang" in line else "g++"
    version = re.search(r"\d+(\.\d+)+", line.rpartition(")")[2] or line)
    kind = cache.get("CMAKE_BUILD_TYPE", "")
    flags = cache.get(f"CMAKE_CXX_FLAGS_{kind.upper()}", "")
    return f"{name} {version[0]} ({kind}: {flags})" if version and kind else f"{name} {version[0]}" if version else ""


def _libraries(cache):
    command = [cache.get("CMAKE_CXX_COMPILER", "c++"), "-E", "-P", "-x", "c++", "-"]
    for name in ("Boost_INCLUDE_DIR", "OPENSSL_INCLUDE_DIR", "CURL_INCLUDE_DIR"):
        if cache.get(name, "").startswith("/") and cache[name] != "/usr/include":
            command.insert(1, f"-I{cache[name]}")
    found = re.findall(r'(?m)^version (\w+) "([^"]*)"', _output(command, _VERSIONS))
    return {name: version.replace("_", ".") for name, version in found}


def _version(command):
    found = re.search(r"\d+\.\d+(\.\d+)*", _output(command))
    return found[0] if found else ""


def _sdk(folder):
    """The version that is asked for, which is pinned."""
    return _line(folder / "package.json", r'"@wix/sdk"\s*:\s*"([^"]*)"')


def _output(command, words=""):
    """Both outputs of a program; nothing if there is no such program."""
    try:
        done = subprocess.run(
            command,
            input=words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
