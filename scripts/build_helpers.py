"""Build the programs that only the tests need: age, age-keygen, a container registry, and the YAML parser of Argo CD.

    python scripts/build_helpers.py FOLDER

Each comes to lie at FOLDER/<name>/<version>/<name>, like the product's own tools and by the same code.  The parser,
whose source is in this project, becomes FOLDER/goyaml.
"""

from __future__ import annotations

import hashlib
import os
import sys

from cmp import environ
from cmp.context import Context
from cmp.locks import single_flight
from cmp.log import Log
from cmp.model import ToolPin
from cmp.phases import Phases
from cmp.proc import Command, Deadline, run
from cmp.redact import Redactor
from cmp.toolstore.gobuild import find_go
from cmp.toolstore.install import Installer
from cmp.toolstore.recipes import GoModule, Source

SECONDS = 1800.0
PINS = {"age": "1.2.1", "age-keygen": "1.2.1", "registry": "3.0.0"}
SOURCES = (
    Source("age", ("1.",), None, GoModule("filippo.io/age", "filippo.io/age/cmd/age")),
    Source("age-keygen", ("1.",), None, GoModule("filippo.io/age", "filippo.io/age/cmd/age-keygen")),
    Source(
        "registry",
        ("3.",),
        None,
        GoModule("github.com/distribution/distribution/v3", "github.com/distribution/distribution/v3/cmd/registry"),
    ),
)
GOYAML = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "goyaml")


def main(folder: str) -> None:
    """Build what is missing."""
    found = environ.current(default_deadline=SECONDS)
    settings = found.settings._replace(tools_dir=os.path.abspath(folder))
    redactor = Redactor()
    context = Context(settings, Deadline(SECONDS), redactor, Log(sys.stderr, redactor.mask), Phases())
    installer = Installer(context, ("go",), SOURCES)
    for name, version in PINS.items():
        installer.install(ToolPin(name, version, "scripts/build_helpers.py"))
    build_goyaml(context)


def build_goyaml(context: Context) -> None:
    """Build tests/goyaml as FOLDER/goyaml; a file beside it names the source that it was built from."""
    program = os.path.join(context.settings.tools_dir, "goyaml")
    stamp = f"{program}.source"
    with single_flight(f"{program}.lock", SECONDS):
        source = source_digest()
        if os.path.isfile(program) and _content(stamp) == source:
            return
        env = {**context.settings.env.build, "CGO_ENABLED": "0"}
        argv = (find_go(env, context.deadline), "build", "-trimpath", "-o", f"{program}.new", ".")
        result = run(Command("go build", argv, env, GOYAML), context.deadline)
        if result.returncode != 0:
            raise SystemExit(result.stderr.decode(errors="replace"))
        os.rename(f"{program}.new", program)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(source)


def source_digest() -> str:
    """Return the sha256 of the program's source and of what it requires."""
    digest = hashlib.sha256()
    for name in sorted(os.listdir(GOYAML)):
        with open(os.path.join(GOYAML, name), "rb") as file:
            digest.update(f"{name}\0".encode() + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    main(sys.argv[1])
