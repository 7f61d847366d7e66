"""Build the programs that only the tests need: age, a container registry, actionlint, Argo CD and its YAML parser.

    python -m scripts.build_helpers FOLDER

Each is installed at FOLDER/<name>/<version>/<name>, like the product's own tools and by the same code.  The parser,
whose source is in this project, becomes FOLDER/goyaml; scripts/build_argocd.py says where Argo CD's programs are.
"""

from __future__ import annotations

import os
import sys

from cmp import environ
from cmp.artifacts.toolstore.install import Installer
from cmp.artifacts.toolstore.recipes import GoModule, ToolSource
from cmp.context import Context
from cmp.model import ToolPin
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from scripts import build_argocd
from scripts.build_once import SECONDS, Go, build_once, digest_of

PINS = {"age": "1.2.1", "age-keygen": "1.2.1", "registry": "3.0.0", "actionlint": "1.7.7"}
SOURCES = (
    ToolSource("age", ("1.",), None, GoModule("filippo.io/age", "filippo.io/age/cmd/age")),
    ToolSource("age-keygen", ("1.",), None, GoModule("filippo.io/age", "filippo.io/age/cmd/age-keygen")),
    ToolSource(
        "registry",
        ("3.",),
        None,
        GoModule("github.com/distribution/distribution/v3", "github.com/distribution/distribution/v3/cmd/registry"),
    ),
    ToolSource(
        "actionlint",
        ("1.",),
        None,
        GoModule("github.com/rhysd/actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),
    ),
)
GOYAML = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "support", "goyaml")


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
    build_argocd.build(context)


def build_goyaml(context: Context) -> None:
    """Build tests/support/goyaml as FOLDER/goyaml."""
    program = os.path.join(context.settings.tools_dir, "goyaml")
    build_once(program, digest_of(GOYAML), lambda output: Go(context, GOYAML).build(".", output))


if __name__ == "__main__":
    main(sys.argv[1])
