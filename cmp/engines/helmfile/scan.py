"""The first look at a helmfile: every text in the private copies that helmfile could read, before it runs.

What runs programs, or reads what is not the application's, is refused unless the administrator's policy allows it.
`readFile` with a name that can be told is replaced by the content of the file: helmfile runs with its insecure
features disabled, and that disables `readFile` too.

A template can make up text that no look at its source finds: for that there are the disabled features, the look at the
rendered state (state.py), and the wall (cmp/confine.py).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cmp.engines.helmfile import state, template
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.protocol import Work

HOOKS, EXEC, REF = "helmfile.hooks", "helmfile.exec", "helmfile.ref"

_VALS = re.compile(r"\b(?:fetchSecretValue|expandSecretRefs)\b|\b(?:secret)?ref\+[\w.-]*:/")
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_OF_HELM = ("templates", "charts", "crds")


class Scanner:
    """The look at the private copies of one render."""

    def __init__(self, work: Work, outside: tuple[str, ...], environment: str) -> None:
        self._work = work
        self._roots = [work.folder, *(f"{work.root}/{path}" for path in outside)]
        self._environment = environment
        self.features: set[str] = set()

    def scan(self) -> bool:
        """Look at all texts and write what `readFile` names into them; say whether there are templates.

        ConfigError for what is not allowed.
        """
        has_templates = False
        for path in self._files():
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" in data:
                continue  # neither YAML nor a template
            text = data.decode(errors="surrogateescape")
            is_template = _is_template(path, text)
            has_templates |= path.endswith(".gotmpl")
            self._scan(path, self._inlined(path, text) if is_template else text, is_template=is_template)
        return has_templates

    def require(self, feature: str, subject: str, place: str) -> None:
        """Ask the policy; ConfigError unless it allows a feature."""
        self._work.supply.permit(feature, subject, place)
        self.features.add(feature)

    def state(self, text: str, file: str, *, is_rendered: bool) -> None:
        """Look at the text of a state; ConfigError for what no render does, and for what is not allowed."""
        for found in state.findings(text, file, has_lines=not is_rendered):
            self.require(found.feature, found.what, found.place)
        if is_rendered:
            self._scan_references(text, file, has_lines=False)

    def _files(self) -> Iterator[str]:
        for root in self._roots:
            if os.path.isfile(root):
                yield root
            for folder, folders, files in os.walk(root):
                if "Chart.yaml" in files:
                    folders[:] = [name for name in folders if name not in _OF_HELM]
                folders.sort()
                yield from (os.path.join(folder, name) for name in sorted(files))

    def _scan(self, path: str, text: str, *, is_template: bool) -> None:
        file = os.path.relpath(path, self._work.root)
        self._scan_references(text if is_template else _COMMENT.sub("", text), file, has_lines=True)
        for call in template.calls(text) if is_template else ():
            self.require(EXEC, _subject(call.function), f"{file}:{call.line}")
        if state.is_state(path, text):
            self.state(text, file, is_rendered=False)

    def _scan_references(self, text: str, file: str, *, has_lines: bool) -> None:
        for found in _VALS.finditer(text):
            line = f":{1 + text.count(chr(10), 0, found.start())}" if has_lines else ""
            self.require(REF, f"`{found[0].removesuffix(':/')}`, by which vals reads secrets,", f"{file}{line}")

    def _inlined(self, path: str, text: str) -> str:
        if "readFile" not in text:
            return text
        written = template.inlined(text, self._environment, lambda name: self._content(path, name))
        if written != text:
            with open(path, "wb") as file:
                file.write(written.encode(errors="surrogateescape"))
        return written

    def _content(self, path: str, name: str) -> str | None:
        """Return the content of a file that a template names, from its own folder or that of the state."""
        for start in (os.path.dirname(path), self._work.folder):
            real = os.path.realpath(os.path.join(start, name))
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
                    self.require(EXEC, _subject(call.function), f"{inner}:{call.line}")
                return content
        return None


def _is_template(path: str, text: str) -> bool:
    return path.endswith((".gotmpl", ".tpl")) or ("{{" in text and state.is_state(path, text))


def _subject(function: str) -> str:
    if function == "readFile":
        return "readFile of a file whose name is made up while rendering"
    return f"the template function {function}"
