"""The scan of a helmfile: of every text in the private copies that helmfile could read, before it runs.

Features that run programs, or read files that are not the application's, are refused unless the administrator's policy
allows them.  `readFile` with a known name is replaced by the content of the file: helmfile runs with its insecure
features disabled, and that disables `readFile` too.

A template can make up text that no scan of its source finds: for that there are the disabled features, the check of the
rendered state (state.py), and the sandbox (cmp/system/sandbox.py).
"""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING

from cmp.engines.helmfile import state, template
from cmp.engines.helmfile.sources import CHART, CHART_FOLDERS, STATES
from cmp.engines.helmfile.state import EXEC, REF
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.helmfile.options import FilledOptions
    from cmp.engines.protocol import Work

ONLY_OPTIONS = "`helmfile: {env: {NAME: text}}` in cmp-app.yaml or in `defaults` of cmp.yaml"

_VALS = re.compile(r"\b(?:fetchSecretValue|expandSecretRefs)\b|\b(?:secret)?ref\+([\w.-]*):/")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


class Scanner:
    """The scan of the private copies of one render; `features` are those that they use and the policy allows.

    `warnings` are about variables that templates ask for and that nothing sets.
    """

    def __init__(self, work: Work, outside: tuple[str, ...], options: FilledOptions) -> None:
        self._work = work
        self._roots = [work.folder, *(f"{work.root}/{path}" for path in outside)]
        self._environment = options.environment
        self._variables = options.env
        self._unchecked: tuple[str, ...] = ()
        self.features: set[str] = set()
        self.warnings: list[str] = []

    def scan(self) -> bool:
        """Scan all texts, and write the files that `readFile` names into them; say whether there are templates.

        ConfigError for a feature that is not allowed.
        """
        files = [*self._files()]
        for path in files:
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" in data:
                continue  # neither YAML nor a template
            text = data.decode(errors="surrogateescape")
            is_template = _is_template(path, text)
            self._scan(path, self._inlined(path, text) if is_template else text, is_template=is_template)
        return any(path.endswith(".gotmpl") for path in files)

    def require(self, feature: str, subject: str, place: str) -> None:
        """Ask the policy; ConfigError unless it allows a feature."""
        self._work.provider.permit(feature, subject, place)
        self.features.add(feature)

    def state(self, text: str, file: str, *, is_rendered: bool) -> None:
        """Check the text of a state; ConfigError for unsupported keys, and for features that are not allowed."""
        own = os.path.dirname(os.path.join(self._work.root, file))
        folders = {own, self._work.folder, f"{self._work.folder}/{STATES}"}  # bases count from the state that has them

        def is_checked(name: str) -> bool:
            paths = [path for folder in folders for path in glob.glob(f"{folder}/{name}", include_hidden=True)]
            return all(self._is_checked(path) for path in paths) and bool(paths or name.endswith(state.SUFFIXES))

        for use in state.features(text, file, is_checked, is_rendered=is_rendered):
            self.require(use.feature, use.subject, use.place)
        if is_rendered:
            state.require_readable(text, file, is_rendered=True)
            self._scan_references(text, file, has_lines=False)

    def _is_checked(self, path: str) -> bool:
        """Say whether a state was checked, or will be: a folder in a chart never is."""
        is_state = os.path.isdir(path) or path.endswith(state.SUFFIXES)
        return is_state and not f"{os.path.realpath(path)}/".startswith(self._unchecked or (" ",))

    def _files(self) -> Iterator[str]:
        for root in self._roots:
            if os.path.isfile(root):
                yield root
            for folder, folders, files in os.walk(root):
                if CHART in files:
                    self._unchecked += tuple(
                        f"{os.path.realpath(folder)}/{name}/" for name in folders if name in CHART_FOLDERS
                    )
                    folders[:] = [name for name in folders if name not in CHART_FOLDERS]
                folders.sort()
                paths = (os.path.join(folder, name) for name in sorted(files))
                yield from filter(os.path.isfile, paths)  # no dangling links

    def _scan(self, path: str, text: str, *, is_template: bool) -> None:
        file = os.path.relpath(path, self._work.root)
        self._scan_references(text if is_template else _COMMENT.sub("", text), file, has_lines=True)
        for call in template.calls(text) if is_template else ():
            self._call(call, f"{file}:{call.line}")
        state.require_readable(text, file, is_rendered=False)
        if state.is_state(path, text):
            self.state(text, file, is_rendered=False)

    def _call(self, call: template.Call, place: str) -> None:
        """Ask the policy for a function, or warn of a variable that the options do not set: it has another value here.

        `requiredEnv` fails by itself, where it is executed.
        """
        if call.function not in template.VARIABLES:
            self.require(EXEC, _subject(call.function), place)
        elif call.name not in self._variables:
            asked = f'{call.function} "{call.name}"' if call.name else f"{call.function} of a name that is made up"
            self.warnings.append(f"{place}: {asked}: helmfile gets no variables but those of {ONLY_OPTIONS}")

    def _scan_references(self, text: str, file: str, *, has_lines: bool) -> None:
        for match in _VALS.finditer(text):
            line = f":{1 + text.count(chr(10), 0, match.start())}" if has_lines else ""
            reference, place = f"`{match[0].removesuffix(':/')}`", f"{file}{line}"
            self.require(REF, f"{reference}, by which vals reads secrets,", place)
            if match[1] == "exec":
                self.require(EXEC, f"{reference}, by which vals runs a program,", place)

    def _inlined(self, path: str, text: str) -> str:
        if "readFile" not in text:
            return text
        inlined = template.inlined(text, self._environment, lambda name: self._content(path, name))
        if inlined != text:
            with open(path, "wb") as file:
                file.write(inlined.encode(errors="surrogateescape"))
        return inlined

    def _content(self, path: str, name: str) -> str | None:
        """Return the content of a file that a template names, from its own folder or that of the state."""
        for folder in (os.path.dirname(path), self._work.folder):
            real = os.path.realpath(os.path.join(folder, name))
            if not real.startswith(os.path.realpath(self._work.root) + os.sep):
                raise ConfigError(
                    f"readFile names {name}, which leads outside the source tree",
                    file=os.path.relpath(path, self._work.root),
                    hint="everything an application uses must lie in its repository",
                )
            if os.path.isfile(real):
                with open(real, "rb") as file:
                    content = file.read().decode(errors="replace")
                inner = os.path.relpath(real, self._work.root)
                for call in template.calls(content):
                    self._call(call, f"{inner}:{call.line}")
                return content
        return None


def _is_template(path: str, text: str) -> bool:
    return path.endswith((".gotmpl", ".tpl")) or ("{{" in text and state.is_state(path, text))


def _subject(function: str) -> str:
    if function == "readFile":
        return "readFile of a file whose name is made up while rendering"
    return f"the template function {function}"
