"""Rivals from npm: pinned in peers/package.json, installed once into the build."""

import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).parent.parent / "peers"


def install(build, seconds=120):
    """Gives the folder with node_modules in it, and None; or None, and why there is none."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return None, f"there is no {program}"
    version = subprocess.run(
        ["node", "-p", "process.versions.node"], stdout=subprocess.PIPE, text=True, timeout=20
    ).stdout.strip()
    if not version or int(version.split(".")[0]) < 18:
        return None, f"node {version} is older than 18"

    folder = Path(build).resolve() / "peers"
    wanted = (PEERS / "package.json").read_text()
    installed = folder / "installed.json"  # written last: without it the folder is of no use
    if installed.exists() and installed.read_text() == wanted:
        return folder, None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(wanted)
    command = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None, f"npm did not install it within {seconds} s"
    (folder / "npm.log").write_text(done.stdout)
    if done.returncode != 0:
        return None, "npm cannot install it; peers/npm.log in the folder of the build says why"
    installed.write_text(wanted)
    return folder, None


def command(folder, script):
    """How to run a script that imports them: a module is looked for beside the file that asks for it."""
    copy = folder / script.name
    shutil.copyfile(script, copy)
    return ["node", copy]
