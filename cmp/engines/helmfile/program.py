"""Helmfile itself: its calls in the sandbox, the plugin `secrets` of helm that it calls, and its error messages.

For the secrets of an environment helmfile runs `helm secrets decrypt FILE` and reads the output.  Sops has decrypted
the file in the private copy before, so the plugin only prints it.  The secrets of releases need no plugin: they become
values (rewrite.py).

The error messages are those of the tested versions; others stay as they are.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.features import SEQUENTIAL_HELMFILES
from cmp.engines.helm import environment
from cmp.engines.helm_messages import part
from cmp.engines.helm_messages import place as place_in_chart
from cmp.engines.helmfile.state import EXEC, HOOKS, REF
from cmp.engines.registry import HELM, HELMFILE
from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError
from cmp.system.process import Command
from cmp.system.sandbox import Access
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.helmfile.options import FilledOptions
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses, Result

PLUGIN_VERSION = "4.0.0"  # of the plugin's protocol: from 4 on the command is `decrypt`
VALUES = "its values"  # the name of a values file that helmfile has written for a release

_MANIFEST = """\
name: secrets
version: {version}
usage: print a decrypted file
description: print a decrypted file
command: {python} -I -S $HELM_PLUGIN_DIR/decrypt.py
"""
_SCRIPT = (
    "import shutil, sys\nwith open(sys.argv[-1], 'rb') as file:\n    shutil.copyfileobj(file, sys.stdout.buffer)\n"
)

# Lines of its log, and of the libraries in it, that stand before or between those of an error.
_WARNING = re.compile(r"WARNING|warn: |(?:time=\S+ )?level=(?!error)|[IW]\d{4} [\d:.]+ ")
_IN = re.compile(r"^in (?:\./)?(\S+?): (?:in \.helmfiles\[\d+\]: )?")
_HELM_FAILED = re.compile(
    r'command "[^"]*/helm" exited with non-zero status:.*?\nSTDERR:\n(.*?)\n\nCOMBINED', re.DOTALL
)
_BYTES = r" \(\d+ bytes\)\n"
_RELEASE = re.compile(rf"^  1: template{_BYTES}  2: (.*){_BYTES}  3: (.*){_BYTES}", re.MULTILINE)
_PART = re.compile(r"error during (\S+)\.part\.(\d+) parsing: template: stringTemplate:(\d+)(?::\d+)?:")
_VALUES = re.compile(r"failed to render \[([^\]]+)\], because of template: stringTemplate:(\d+)(?::\d+)?:")
_LINE_OF_STATE = re.compile(r"failed to read \S+: reading document at index 1\..*?\bline (\d+):", re.DOTALL)
_NOISE = re.compile(
    r'executing "stringTemplate" at |<fail ".*?">: error calling fail: |'
    r"Started seeing this since Helmfile v1\? Add the \.gotmpl[^:]*: |"
    r" or HELMFILE_DISABLE_INSECURE_TEMPLATE_FUNCTIONS(?= is active)"
)
_NO_RELEASE = re.compile(r"no releases found that matches specified selector\((.*?)\) and environment\((.*?)\)")
_NO_PROGRAM = (
    "a program that a helmfile runs must be executable in Git (`git update-index --chmod=+x FILE`), and the file "
    "system of CMP_TMPDIR must let programs run (no `noexec`)"
)
_NO_VARIABLE = (
    "cmp passes helmfile no variable of its own environment: set it by `helmfile: {env: {NAME: text}}` in cmp-app.yaml "
    "or in `defaults` of cmp.yaml; helmfile takes an empty text for missing"
)
_NO_PLUGIN = (
    "helm 4 takes a plugin for a postRenderer, and a render has none: pin a helm 3 by `helmfile: {helmVersion: …}` in "
    "cmp-app.yaml"
)
_HINTS = (
    ("HELMFILE_DISABLE_INSECURE_FEATURES", "write functions and names of files literally, so that they can be seen"),
    ('": permission denied', _NO_PROGRAM),
    ("fork/exec ", _NO_PROGRAM),
    ("permission denied", "helmfile sees its folder, and the files outside of it that its texts name literally"),
    ("Type:postrenderer/v1} not found", _NO_PLUGIN),
    ("map has no entry for key", "give the key a default under `values` or `environments` of the helmfile"),
    ("error calling requiredEnv", _NO_VARIABLE),
    ("set attribute chart", "remove `chart` at the top of the helmfile, and name the chart of each release"),
    ("missing in charts/ directory", "name the folder of the chart literally in the helmfile, so that cmp finds it"),
)


class Program(NamedTuple):
    """Helmfile for one render; `features` are features that the helmfile uses and the policy allows."""

    instance: Instance
    work: Work
    processes: ChildProcesses
    options: FilledOptions
    features: frozenset[str]

    def run(self, verb: str, *flags: str, names: Mapping[str, str] | None = None) -> Result:
        """Run it to its end; EngineError, in which files have the names of `names`, when it refuses."""
        result = self.attempt("--quiet", *flags, verb=verb)
        if result.returncode != 0:
            tools = self.work.tools
            parser = StderrParser(result.stderr, self.work, self.instance.folder, names or {})
            raise parser.error(result.returncode, tools[HELMFILE].version, tools[HELM].version)
        return result

    def attempt(self, *flags: str, verb: str) -> Result:
        """Run it to its end, successful or not."""
        tools = self.work.tools
        # The states of a folder one by one: else their order, and which of two errors is told, differ each time.
        is_ordered = numbers(tools[HELMFILE].version) >= SEQUENTIAL_HELMFILES.since
        command = Command(
            label=f"helmfile {verb}",
            argv=(
                *(tools[HELMFILE].path, verb, "--no-color", "--helm-binary", tools[HELM].path),
                *((SEQUENTIAL_HELMFILES.name,) if is_ordered else ()),
                *("--environment", self.options.environment, *flags),
            ),
            env=self._environment(),
            cwd=self.work.folder,
            access=self._access(),
            place=self.instance.folder,
        )
        return self.processes.wait(self.processes.start(command))[0]

    def _environment(self) -> Mapping[str, str]:
        """Return an environment in which it fetches nothing and finds no program, unless the policy allows more.

        Templates find the variables of the options there, and none of the environment of cmp.
        """
        work = self.work
        programs = _helm_by_name(work)
        own = {
            "TMPDIR": work.scratch,
            "HELMFILE_TEMPDIR": work.scratch,
            "HELMFILE_CACHE_HOME": f"{work.home}/helmfile",
            "HELMFILE_UPGRADE_NOTICE_DISABLED": "1",
            "HELM_PLUGINS": _plugins(work.scratch),
            "PATH": f"{programs}:{work.env.get('PATH', '')}" if self._runs_programs else programs,
            **({} if EXEC in self.features else {"HELMFILE_DISABLE_INSECURE_FEATURES": "1"}),
        }
        return {**self.options.env, **environment(work.env, work.home), **own}

    @property
    def _runs_programs(self) -> bool:
        return not self.features.isdisjoint((HOOKS, EXEC))

    def _access(self) -> Access | None:
        """Return the access to the private folder and the programs, without the tree: all that it may read was copied.

        One of the programs is Python, for the plugin; it needs its own library.  References of vals lead to any file
        and any host, where the policy allows them, and to no program: the vals of helmfile 1.8 runs one (`ref+exec`).
        """
        if self._runs_programs:
            return None
        access = self.work.access
        python, library = os.path.realpath(sys.executable), os.path.dirname(os.path.dirname(os.__file__))
        programs = (*access.programs, python)
        if REF in self.features:
            return Access(programs, ("/",), access.writes, connects=True)
        return Access(programs, (library,), access.writes)


def _helm_by_name(work: Work) -> str:
    """Make a folder in which the pinned helm is called `helm`, and return it.

    For the secrets of an environment helmfile 1.8.0 runs the helm of PATH, not that of `--helm-binary`, which it takes
    for a state that is loaded (pkg/app, getHelm).
    """
    folder = os.path.join(work.scratch, "bin")
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
        os.symlink(work.tools[HELM].path, os.path.join(folder, HELM))
    return folder


def _plugins(scratch: str) -> str:
    """Make the folder of plugins in the scratch folder, and return it."""
    folder = os.path.join(scratch, "plugins")
    plugin = os.path.join(folder, "secrets")
    if not os.path.isdir(plugin):
        os.makedirs(plugin, 0o700)
        python = os.path.realpath(sys.executable)
        for name, text in (
            ("plugin.yaml", _MANIFEST.format(version=PLUGIN_VERSION, python=python)),
            ("decrypt.py", _SCRIPT),
        ):
            with open(os.path.join(plugin, name), "w", encoding="utf-8") as file:
                file.write(text)
    return folder


class StderrParser:
    """The stderr of one run; `names` are the repository's names of files that were written for it."""

    def __init__(self, stderr: bytes, work: Work, folder: str, names: Mapping[str, str]) -> None:
        message = stderr.decode(errors="replace")
        for path, name in names.items():
            message = message.replace(path, name).replace(os.path.basename(path), os.path.basename(name))
        for name, path in work.layer_files:
            message = message.replace(path, name)
        message = message.partition("\n\nOffending YAML:")[0]
        message = re.sub(rf"{re.escape(work.scratch)}/\S+-values-\w+", VALUES, message)
        self._message = message.replace(f"{work.folder}/", "").replace(f"{work.root}/", "").strip()
        lines = self._message.splitlines()
        self._errors = [line for line in lines if not _WARNING.match(line)]
        self._warnings = [line for line in lines if _WARNING.match(line) and self._errors]
        self._root = work.root
        self._folder = folder

    def warnings(self) -> list[str]:
        """Return each line once."""
        return list(dict.fromkeys(f"helmfile: {line}" for line in self._message.splitlines() if line.strip()))

    def error(self, status: int, version: str, helm: str) -> EngineError:
        """Return the error of a run that ended with another status than 0."""
        error = self._error(status, f"helmfile {version}", f"helm {helm}")
        own = dict.fromkeys(f"helmfile: {line}" for line in self._warnings)
        error.warnings = (*own, *error.warnings)
        return error

    def _error(self, status: int, program: str, helm: str) -> EngineError:
        if silent := unexplained(program, status, self._message):
            return silent
        if match := _NO_RELEASE.search(self._message):
            selectors = f"the selectors {match[1]} and " if match[1] else ""
            return EngineError(
                f"{program} finds no release for {selectors}the environment {match[2]}",
                file=self._folder,
                hint="`helmfile: {environment: …, selectors: […]}` in cmp-app.yaml chooses; `environments` of the "
                "helmfile must have the environment",
            )
        if failed := _HELM_FAILED.search(self._message):
            return self._error_of_helm(f"{program}: ", helm, failed[1])
        state, message = self._innermost_state()
        text = _NOISE.sub("", message)
        return EngineError(f"{program}: {indented(text)}", file=self._place(message, state), hint=_hint(message))

    def _innermost_state(self) -> tuple[str, str]:
        """Return the file of the innermost state, relative to the root, and the message about it."""
        message = "\n".join(self._errors) or self._message
        state = ""
        while match := _IN.match(message):
            state = self._path(match[1], os.path.dirname(state) or self._folder)
            message = message[match.end() :]
        return state, message.removeprefix("err: ")

    def _error_of_helm(self, program: str, helm: str, stderr: str) -> EngineError:
        parted = part([line.removeprefix("  ") for line in stderr.splitlines() if line.strip()])
        message = "\n".join(parted.error).partition("\nUse --debug flag")[0]
        match = _RELEASE.search(self._message)
        release, chart = (f"release {match[1]}: ", match[2]) if match else ("", "")
        place = "" if VALUES in message else self._place_in_chart(message, chart)
        return EngineError(
            f"{program}{release}{helm}: {indented(message)}",
            file=place or self._innermost_state()[0],
            hint=_hint(message),
            warnings=[f"helmfile: helm: {text}" for text in parted.warnings],
        )

    def _place_in_chart(self, message: str, chart: str) -> str:
        """Return the place in a chart of the tree; empty for one of a repository."""
        folder = self._path(chart, self._folder)
        is_in_tree = os.path.isdir(os.path.join(self._root, folder))
        return place_in_chart(message, folder) if is_in_tree else ""

    def _place(self, message: str, state: str) -> str:
        if part := _PART.search(message):
            return f"{state}:{int(part[3]) + self._lines_before(state, int(part[2]))}"
        line = _LINE_OF_STATE.search(message)
        if line and not state.endswith(".gotmpl") and not self._lines_before(state, 1):
            return f"{state}:{line[1]}"
        if values := _VALUES.search(message):
            return f"{self._path(values[1], os.path.dirname(state) or self._folder)}:{values[2]}"
        return state or self._folder

    def _lines_before(self, state: str, part: int) -> int:
        """Return the number of lines of a state before one of its parts, cut at `---`; 0 for a part that is missing."""
        with open(os.path.join(self._root, state), encoding="utf-8", errors="replace") as file:
            parts = file.read().split("\n---\n")
        return sum(text.count("\n") + 2 for text in parts[:part]) if part < len(parts) else 0

    def _path(self, name: str, folder: str) -> str:
        path = os.path.normpath(os.path.join(folder, name))
        return path if os.path.exists(os.path.join(self._root, path)) else name


def _hint(message: str) -> str:
    return next((hint for text, hint in _HINTS if text in message), "")
