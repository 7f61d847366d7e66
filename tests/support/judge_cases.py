"""Objects for a comparison of two judges, the real API server and cmp: tests/data/judge/."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from cmp.changes import Object
from cmp.checks.judge import Judge
from cmp.model import Identity
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from cmp.findings import Finding

FOLDER = CHECKOUT / "tests/data/judge"


class Case(NamedTuple):
    """An object with at most one mistake; `why` names that, and is empty for a right one.  `text` is its YAML."""

    name: str
    why: str
    value: dict[str, Any]
    text: str

    @property
    def api_version(self) -> str:
        return str(self.value["apiVersion"])

    @property
    def kind(self) -> str:
        return str(self.value["kind"])

    def findings(self, version: str) -> tuple[Finding, ...]:
        """Return the errors that cmp finds."""
        metadata = self.value.get("metadata", {})
        group = self.api_version.rpartition("/")[0]
        identity = Identity(group, self.kind, metadata.get("namespace", ""), metadata.get("name", ""))
        found = Judge(version, ()).judge([Object(self.api_version, identity, self.value, "")]).findings
        return tuple(finding for finding in found if finding.level == "error")


def right() -> dict[str, Case]:
    """Return the right objects by their names."""
    documents = (FOLDER / "right.yaml").read_text().split("\n---\n")[1:]
    named = [(document.splitlines()[0].removeprefix("# "), document) for document in documents]
    return {name: Case(name, "", yaml.safe_load(text), text) for name, text in named}


def wrong() -> list[Case]:
    """Return the objects with one mistake."""
    originals = right()
    mistakes = yaml.safe_load((FOLDER / "mistakes.yaml").read_text())
    return [_mistaken(originals[mistake["of"]], mistake) for mistake in mistakes]


def _mistaken(original: Case, mistake: dict[str, Any]) -> Case:
    value: Any = deepcopy(original.value)
    # A key with dots of its own is the last one, as in data.tls.crt: nothing here needs another.
    *parents, last = mistake["at"].split(".")
    inner = value
    for part in parents:
        inner = inner[int(part)] if part.isdecimal() else inner.setdefault(part, {})
    if mistake.get("absent"):
        del inner[last]
    else:
        inner[int(last) if last.isdecimal() else last] = mistake["is"]
    return Case(original.name, mistake["why"], value, yaml.safe_dump(value, sort_keys=False))
