"""Run tests by the Pythons that Debian has and this machine may lack: what starts no tool, and a render by each engine.

    python -m scripts.pythons FOLDER

Debian's testing release is unpacked to FOLDER/debian, with nothing but the interpreters and what they load, and each of
them gets a virtual environment with the packages of requirements/dev.txt.  Neither is done again while its input is the
same.  The other Pythons of pyproject.toml are tested where .github/workflows/test.yml runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251  # this is no part of the package
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from scripts.build_once import build_once, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# The tests of each: all of the newest, whose changes include those of the one before, of which what touches the
# interpreter's own libraries is tested: processes, signals, files, archives, TLS, YAML.
TESTS = {
    "3.13": tuple(f"tests/unit/{folder}" for folder in ("artifacts", "secrets", "system", "yamldoc")),
    "3.14": ("tests/unit",),
}
VERSIONS = tuple(TESTS)
SUITE = "forky"
# A checkout may be tested long after the list of packages was signed.
OPTIONS = ("--quiet", "--variant=extract", '--aptopt=Acquire::Check-Valid-Until "false"')
PACKAGES = (
    "libyaml-0-2",
    *(
        f"{part}{version}-{kind}"
        for version in VERSIONS
        for part, kind in (("libpython", "stdlib"), ("python", "minimal"))
    ),
)
REQUIREMENTS = os.path.join("requirements", "dev.txt")
# The loader and the libraries of that Debian, which are newer than this system's.
START = """\
#!/bin/sh
exec {root}/usr/lib64/ld-linux-x86-64.so.2 --argv0 "$0" --library-path {root}/usr/lib/x86_64-linux-gnu {program} "$@"
"""
# Children of these tests are the interpreter itself, whose libraries lie where the wall shows none.
CONFINED = "tests/unit/system/test_sandbox.py"
RENDERS = (
    "cue/values-files",
    "helm-kustomize/renders",
    "helm/reference-layout",
    "helmfile/environment-of-the-cluster",
    "kustomize/secrets-in-overlay-and-base",
    "plain/encrypted-file",
)


def main(folder: str) -> int:
    """Return 1 when the tests fail by one of the interpreters."""
    folder = os.path.abspath(folder)
    os.makedirs(folder, exist_ok=True)
    root = os.path.join(folder, "debian")
    build_once(os.path.join(folder, "unpacked"), " ".join((SUITE, *PACKAGES)), partial(_unpack, root))
    failed = []
    for version in VERSIONS:
        program = os.path.join(folder, f"venv-{version}", "bin", "python")
        source = f"{root} {digest_of(REQUIREMENTS)}"
        build_once(f"{folder}/made-{version}", source, partial(_make, program, root, version))
        start = time.monotonic()
        if _fails(program, TESTS[version]):
            failed.append(version)
        sys.stderr.write(f"make: Python {version}: {time.monotonic() - start:.0f} s\n")
    if failed:
        sys.stderr.write(f"make: tests fail by Python {', '.join(failed)}\n")
    return 1 if failed else 0


def _unpack(root: str, stamp: str) -> None:
    shutil.rmtree(root, ignore_errors=True)
    _run("mmdebstrap", *OPTIONS, f"--include={','.join(PACKAGES)}", SUITE, root, f"deb {_mirror()} {SUITE} main")
    os.makedirs(f"{root}/usr/libexec", exist_ok=True)
    for version in VERSIONS:
        program, start = f"{root}/usr/libexec/python{version}", f"{root}/usr/bin/python{version}"
        os.rename(start, program)
        _write(start, START.format(root=root, program=program))
    _write(stamp, "")


def _mirror() -> str:
    """Return the mirror of Debian from which this system has its own packages."""
    listed = _run("apt-get", "indextargets", "--format", "$(REPO_URI)").split()
    mirror = next((uri for uri in listed if "security" not in uri), "")
    return mirror or sys.exit("make: apt knows no mirror: is this a Debian?")


def _make(program: str, root: str, version: str, stamp: str) -> None:
    environment = os.path.dirname(os.path.dirname(program))
    _run(f"{root}/usr/bin/python{version}", "-m", "venv", "--clear", "--without-pip", environment)
    _run(sys.executable, "-m", "pip", "--quiet", "--python", program, "install", "--require-hashes", "-r", REQUIREMENTS)
    _write(stamp, "")


def _fails(program: str, tests: Sequence[str]) -> bool:
    renders = [f"tests/cli/test_render.py::test_case[{name}]" for name in RENDERS]
    renders.append("tests/cli/test_other_system.py::test_every_module_can_be_imported_there")
    argv = [program, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2"]
    env = {**os.environ, "CMP_TEST_QUICK": "1"}  # noqa: TID251  # likewise
    return any(
        subprocess.run([*argv, *more], env=env, check=False).returncode
        for more in (("-m", "not tools", *tests, "--deselect", CONFINED), renders)
    )


def _run(*argv: str) -> str:
    """Run a program and return what it prints; what it says about a failure ends this one."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"make: `{argv[0]}` failed: {done.stdout.strip()}")
    return done.stdout


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)  # noqa: S103  # it may be a program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
