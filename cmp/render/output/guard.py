"""Admit documents one by one: lists unpacked, group/versions rewritten, repetitions told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import OutputError
from cmp.model import Identity
from cmp.render.output import objects
from cmp.render.output.objects import ALLOW_CIPHERTEXT, Candidate, Finding, refusal
from cmp.render.output.stream import NO_FILES, misreading, split
from cmp.secrets.kept import NOTHING_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cmp.model import OutputRules
    from cmp.render.output.stream import FileStarts, Piece
    from cmp.secrets.kept import Kept

_API_VERSION = re.compile(r"^(apiVersion[ \t]*:[ \t]+(['\"]?))([\w./-]+)(?=\2[ \t]*(?:#.*)?\r?$)", re.MULTILINE)
GUESSED = (
    "it stays encrypted, for an operator in the cluster; if that is meant, `secrets: {keep: [KIND]}` in cmp-app.yaml "
    "or cmp.yaml says so, else `secrets: {files: [FILE]}` in cmp-app.yaml decrypts it"
)
_REASONS = {
    "end of stream": "a line that starts with `---` ends a document, also inside quotes",
    "<document start>": "text follows the end of a document (`...`), or a directive (`%YAML`) stands before it",
}


class Manifest(NamedTuple):
    """One checked object: its text starts with a `---` line and ends with a newline.

    `name` is `metadata.generateName` where that stands in its place, `source` the template's file as Helm names it.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    text: str
    value: dict[str, object]
    source: str

    @property
    def identity(self) -> Identity:
        """The identity of the object; objects with a generateName only share one."""
        return Identity(
            group=self.api_version.rpartition("/")[0], kind=self.kind, namespace=self.namespace, name=self.name
        )


class CheckedOutput(NamedTuple):
    """All objects of one render in the engine's order; `warnings` are for stderr."""

    manifests: tuple[Manifest, ...]
    warnings: tuple[str, ...]

    @property
    def yaml(self) -> bytes:
        """The YAML stream for Argo CD."""
        return "".join(manifest.text for manifest in self.manifests).encode()

    def json_lines(self) -> bytes:
        """Return one JSON object a line, keys sorted, numbers as Go prints them."""
        return "".join(f"{yamldoc.to_json(manifest.value)}\n" for manifest in self.manifests).encode()


def check(
    data: bytes,
    *,
    rules: OutputRules,
    noise: tuple[re.Pattern[str], ...],
    engine: str,
    mask: Callable[[str], str],
    files: FileStarts = NO_FILES,
    kept: Kept = NOTHING_KEPT,
    undecrypted: Callable[[], Sequence[str]] = tuple,
) -> CheckedOutput:
    """Return the objects that may reach Argo CD, with the text that the engine wrote; OutputError for any mistake.

    `noise` are the lines that `engine` is known to print before its first document: they are left out, and become
    warnings.  `files` were printed as they lie in the repository; `kept` may be encrypted, and `undecrypted`
    returns the files that ciphertext may be from.  What is no manifest is quoted behind `mask`.
    """
    stream = split(data, noise, files)
    guard = Guard(rules, files, mask, kept)
    guard.warnings.extend(f"{engine} printed before the first document: {line}" for line in stream.noise)
    for piece in stream.pieces:
        guard.admit(piece)
    if guard.findings:
        raise refusal(sorted(guard.findings), engine, files, undecrypted)
    if not guard.manifests and not rules.allow_empty:
        raise OutputError(
            f"{engine} printed no object: Argo CD could prune the whole application",
            hint="if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it",
        )
    return CheckedOutput(tuple(guard.manifests), tuple(guard.warnings))


class Guard:
    """Looks at one piece after the other and remembers which objects it has seen."""

    def __init__(self, rules: OutputRules, files: FileStarts, mask: Callable[[str], str], kept: Kept) -> None:
        self._files = files
        self._kept = kept
        self._mask = mask
        self.manifests: list[Manifest] = []
        self.warnings: list[str] = []
        self.findings: list[Finding] = []
        self._api_versions = rules.api_versions
        self._overridden = {
            "allowDuplicateKeys": rules.allow_duplicate_keys,
            "allowDuplicateObjects": rules.allow_duplicate_objects,
            ALLOW_CIPHERTEXT: rules.allow_ciphertext,
        }
        self._as_reposerver = rules.as_reposerver
        self._seen: dict[Identity, tuple[Manifest, int]] = {}

    def admit(self, piece: Piece) -> None:
        """Take the objects of a piece, or note a finding against it."""
        if message := misreading(piece):
            subject = objects.guessed_subject(piece.text)
            self.findings.append(Finding(line=piece.line, subject=subject, source=piece.source, message=message))
            return
        try:
            documents = yamldoc.parse(piece.text.replace(b"\r\n", b"\n"))  # as Argo CD's splitter does
        except yamldoc.YamlError as error:
            self.findings.append(_unreadable(piece, error, self._mask))
            return
        for document in documents:
            candidate = Candidate(document.value, piece.line + 1, piece.source)
            if piece.is_leading and not _is_manifest(document.value):
                self.findings.append(_outside(piece, self._mask))
                return
            self._refuse(objects.document_mistakes(document, candidate, piece), document.value)
            self._warn(objects.harmless_repetitions(document, candidate, piece))
            self._unpack(candidate, piece.text.decode())

    def _refuse(self, findings: Iterable[Finding], value: object = None) -> None:
        """Note findings against the output; for the repo-server those that it does not mind are warnings.

        The `value` of an object may be meant to be encrypted.
        """
        accepted = {option for option, is_accepted in self._overridden.items() if is_accepted}
        if self._kept.holds(value):
            accepted.add(ALLOW_CIPHERTEXT)
        counted = [finding for finding in findings if finding.override_option not in accepted]
        if self._as_reposerver:
            self._warn(counted)
        else:
            self.findings.extend(counted)

    def _is_guess(self, value: object) -> bool:
        """Return whether an object stays encrypted without anybody having said so."""
        is_accepted = self._as_reposerver or self._overridden[ALLOW_CIPHERTEXT]
        return not is_accepted and self._kept.holds(value) and self._kept.is_guessed(value)

    def _warn(self, findings: Iterable[Finding]) -> None:
        for finding in sorted(findings):
            if not self._overridden.get(finding.override_option):
                place = self._files.place(finding.line, finding.source)
                self.warnings.append(f"{finding.subject}: {finding.message} ({place})")

    def _unpack(self, candidate: Candidate, text: str) -> None:
        """Take an object, or the items of a list: for Argo CD everything with a list `items` is one."""
        value = candidate.value if isinstance(candidate.value, dict) else {}
        items = _items(value)
        if items is None:
            self._take(candidate, text)
        elif self._as_reposerver or str(value.get("kind")).endswith("List"):
            for item in items:
                if item is not None:
                    self._take(candidate._replace(value=item), "")
        else:
            message = "an object with a list `items` at its top: Argo CD would apply the items in its place"
            self._refuse([candidate.finding(message)])

    def _take(self, candidate: Candidate, text: str) -> None:
        mistakes = list(objects.object_mistakes(candidate, self._mask))
        value = candidate.value
        if self._as_reposerver and not _word(_map(value).get("kind")):
            self.findings.extend(mistakes)  # all that keeps it from being an object for Argo CD
            return
        self._refuse(mistakes, value)
        if self._is_guess(value):
            self._warn([candidate.finding(GUESSED)])
        if not isinstance(value, dict) or self._has_refused(mistakes):
            return
        version = _word(value.get("apiVersion"))
        if version in self._api_versions:
            value = {**value, "apiVersion": self._api_versions[version]}
            text = _rewritten(text, value)
        manifest = _manifest(value, text or _printed(value, candidate.source), candidate.source)
        if not self._is_repeated(manifest, candidate):
            self.manifests.append(manifest)

    def _has_refused(self, mistakes: Iterable[Finding]) -> bool:
        return not self._as_reposerver and any(not mistake.override_option for mistake in mistakes)

    def _is_repeated(self, manifest: Manifest, candidate: Candidate) -> bool:
        """Return whether the same object with the same content was there before; refuse it with another content."""
        if not _map(manifest.value.get("metadata")).get("name"):
            return False  # the API server makes a name of its own for each
        first, line = self._seen.setdefault(manifest.identity, (manifest, candidate.line))
        if first is manifest:
            return False
        if yamldoc.to_json(first.value) == yamldoc.to_json(manifest.value):
            where = f"lines {line} and {candidate.line} of the output"
            if self._files.starts:
                where = f"{self._files.place(line, '')} and {self._files.place(candidate.line, '')}"
            self.warnings.append(f"{objects.subject(manifest.value)} stands twice with the same content ({where})")
            return True
        other = f"line {line}, {first.source}" if first.source else f"line {line}"
        if self._files.starts:
            other = self._files.place(line, "")
        if self._as_reposerver:
            self._replace(first, manifest, candidate, f"stands twice, and Argo CD takes the last one ({other})")
            return True
        message = f"the same object with other content stands at {other}"
        self._refuse([candidate.finding(message, "allowDuplicateObjects")])
        return False

    def _replace(self, first: Manifest, last: Manifest, candidate: Candidate, message: str) -> None:
        """Put an object in the place of an earlier one of the same identity."""
        self.manifests[self.manifests.index(first)] = last
        self._seen[last.identity] = (last, candidate.line)
        self._warn([candidate.finding(message)])


def _unreadable(piece: Piece, error: yamldoc.YamlError, mask: Callable[[str], str]) -> Finding:
    """Return the YAML error of a piece as a finding, with the reason where libyaml's words do not tell it."""
    if piece.is_leading and not objects.guesses_kind(piece.text):
        return _outside(piece, mask)
    reason = next((f"; {reason}" for sign, reason in _REASONS.items() if sign in error.problem), "")
    message = f"not valid YAML: {error.problem}{reason}"
    return Finding(
        line=piece.line + error.line - 1,
        subject=objects.guessed_subject(piece.text),
        source=piece.source,
        message=message,
    )


def _outside(piece: Piece, mask: Callable[[str], str]) -> Finding:
    text = piece.text.partition(b"\n")[2].decode(errors="replace")  # without our separator
    return Finding(
        line=piece.line + 1,
        subject="a text",
        source=piece.source,
        message=f"no manifest, printed before the first document: {objects.quoted(text, mask)}",
    )


def _is_manifest(value: object) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("apiVersion", "kind"))


def _items(value: Mapping[str, object]) -> list[object] | None:
    """Return the items of a list in the sense of Argo CD (reposerver/repository: IsList, isNullList)."""
    items = value.get("items", value)
    if items is None and "spec" not in value and "status" not in value:
        return []
    return items if isinstance(items, list) else None


def _manifest(value: dict[str, object], text: str, source: str) -> Manifest:
    metadata = _map(value.get("metadata"))
    return Manifest(
        api_version=_word(value.get("apiVersion")),
        kind=_word(value.get("kind")),
        namespace=_word(metadata.get("namespace")),
        name=_word(metadata.get("name")) or _word(metadata.get("generateName")),
        text=text,
        value=value,
        source=source,
    )


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _rewritten(text: str, value: Mapping[str, object]) -> str:
    """Return the text with the value's apiVersion in place of its own; empty when it is not written on one line."""
    new = _API_VERSION.sub(lambda match: f"{match[1]}{value['apiVersion']}", text, count=1)
    documents = yamldoc.parse(new.encode()) if text else []
    return new if [document.value for document in documents] == [value] else ""


def _printed(value: object, source: str) -> str:
    """Print an object that has no text of its own."""
    body = yamldoc.dump_all([value]).decode().removeprefix("---\n")
    return f"---\n# Source: {source}\n{body}" if source else f"---\n{body}"
