"""Admit documents one by one: lists unpacked, group/versions rewritten, repetitions told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.model import Identity
from cmp.render.output import objects
from cmp.render.output.objects import Candidate
from cmp.render.output.rendered import Files, Finding, Manifest
from cmp.render.output.stream import misreading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.model import OutputRules
    from cmp.render.output.stream import Piece

_API_VERSION = re.compile(r"^(apiVersion[ \t]*:[ \t]+(['\"]?))([\w./-]+)(?=\2[ \t]*(?:#.*)?\r?$)", re.MULTILINE)
_REASONS = {
    "end of stream": "a line that starts with `---` ends a document, also inside quotes",
    "<document start>": "text follows the end of a document (`...`), or a directive (`%YAML`) stands before it",
}


class Guard:
    """Looks at one piece after the other and remembers which objects it has seen."""

    def __init__(self, rules: OutputRules, files: Files) -> None:
        self._files = files
        self.manifests: list[Manifest] = []
        self.notes: list[str] = []
        self.findings: list[Finding] = []
        self._api_versions = rules.api_versions
        self._lifted = {
            "allowDuplicateKeys": rules.allow_duplicate_keys,
            "allowDuplicateObjects": rules.allow_duplicate_objects,
            "allowCiphertext": rules.allow_ciphertext,
        }
        self._seen: dict[Identity, tuple[Manifest, int]] = {}

    def admit(self, piece: Piece) -> None:
        """Take the objects of a piece, or note what is wrong with it."""
        if message := misreading(piece):
            self.findings.append(Finding(piece.line, objects.guessed_subject(piece.text), piece.source, message))
            return
        try:
            documents = yamldoc.parse(piece.text.replace(b"\r\n", b"\n"))  # as Argo CD's splitter does
        except yamldoc.YamlError as error:
            self.findings.append(_unreadable(piece, error))
            return
        for document in documents:
            candidate = Candidate(document.value, piece.line + 1, piece.source)
            if piece.is_leading and not _is_manifest(document.value):
                self.findings.append(_outside(piece))
                return
            self._refuse(objects.mistakes_of_document(document, candidate, piece))
            self._unpack(candidate, piece.text.decode())

    def _refuse(self, findings: Iterable[Finding]) -> None:
        self.findings.extend(finding for finding in findings if not self._lifted.get(finding.lifted_by))

    def _unpack(self, candidate: Candidate, text: str) -> None:
        """Take an object, or the items of a list: Argo CD takes everything with a list `items` for one."""
        value = candidate.value if isinstance(candidate.value, dict) else {}
        items = _items(value)
        if items is None:
            self._take(candidate, text)
        elif str(value.get("kind")).endswith("List"):
            for item in items:
                if item is not None:
                    self._take(candidate._replace(value=item), "")
        else:
            message = "an object with a list `items` at its top: Argo CD would apply the items in its place"
            self._refuse([candidate.finding(message)])

    def _take(self, candidate: Candidate, text: str) -> None:
        mistakes = list(objects.mistakes_of_object(candidate))
        self._refuse(mistakes)
        if any(not mistake.lifted_by for mistake in mistakes):
            return
        value = cast("dict[str, object]", candidate.value)
        version = cast("str", value["apiVersion"])
        if version in self._api_versions:
            value = {**value, "apiVersion": self._api_versions[version]}
            text = _rewritten(text, value)
        manifest = _manifest(value, text or _printed(value, candidate.source), candidate.source)
        if not self._is_repeated(manifest, candidate):
            self.manifests.append(manifest)

    def _is_repeated(self, manifest: Manifest, candidate: Candidate) -> bool:
        """Say whether the same object with the same content was there before; refuse it with another content."""
        metadata = cast("dict[str, object]", cast("dict[str, object]", manifest.value)["metadata"])
        if not metadata.get("name"):
            return False  # the API server makes a name of its own for each
        first, line = self._seen.setdefault(_identity(manifest), (manifest, candidate.line))
        if first is manifest:
            return False
        if yamldoc.to_json(first.value) == yamldoc.to_json(manifest.value):
            where = f"lines {line} and {candidate.line} of the output"
            if self._files.begun:
                where = f"{self._files.place(line, '')} and {self._files.place(candidate.line, '')}"
            self.notes.append(f"{objects.subject(manifest.value)} stands twice with the same content ({where})")
            return True
        other = f"line {line}, {first.source}" if first.source else f"line {line}"
        if self._files.begun:
            other = self._files.place(line, "")
        message = f"the same object with other content stands at {other}"
        self._refuse([candidate.finding(message, "allowDuplicateObjects")])
        return False


def _unreadable(piece: Piece, error: yamldoc.YamlError) -> Finding:
    """Say why a piece cannot be read, and the reason where libyaml's words do not let one guess it."""
    if piece.is_leading and not objects.guesses_kind(piece.text):
        return _outside(piece)
    reason = next((f"; {reason}" for sign, reason in _REASONS.items() if sign in error.problem), "")
    message = f"not valid YAML: {error.problem}{reason}"
    return Finding(piece.line + error.line - 1, objects.guessed_subject(piece.text), piece.source, message)


def _outside(piece: Piece) -> Finding:
    return Finding(piece.line + 1, "a text", piece.source, "no manifest, printed before the first document")


def _is_manifest(value: object) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("apiVersion", "kind"))


def _items(value: Mapping[str, object]) -> list[object] | None:
    """Return the items of what Argo CD takes for a list (reposerver/repository: IsList, isNullList)."""
    items = value.get("items", value)
    if items is None and "spec" not in value and "status" not in value:
        return []
    return items if isinstance(items, list) else None


def _manifest(value: Mapping[str, object], text: str, source: str) -> Manifest:
    metadata = cast("Mapping[str, str | None]", value["metadata"])
    return Manifest(
        api_version=cast("str", value["apiVersion"]),
        kind=cast("str", value["kind"]),
        namespace=metadata.get("namespace") or "",
        name=metadata.get("name") or metadata.get("generateName") or "",
        text=text,
        value=value,
        source=source,
    )


def _identity(manifest: Manifest) -> Identity:
    group = manifest.api_version.rpartition("/")[0]
    return Identity(group, manifest.kind, manifest.namespace, manifest.name)


def _rewritten(text: str, value: Mapping[str, object]) -> str:
    """Return the text with the value's apiVersion in place of its own; empty when it is not written on one line."""
    new = _API_VERSION.sub(lambda found: f"{found[1]}{value['apiVersion']}", text, count=1)
    documents = yamldoc.parse(new.encode()) if text else []
    return new if [document.value for document in documents] == [value] else ""


def _printed(value: object, source: str) -> str:
    """Print an object that has no text of its own."""
    body = yamldoc.dump_all([value]).decode().removeprefix("---\n")
    return f"---\n# Source: {source}\n{body}" if source else f"---\n{body}"
