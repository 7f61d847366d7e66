"""The requirements of a document that may reach Argo CD: an object with a name, whole, and without ciphertext."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import OutputError
from cmp.secrets.sops import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.render.output.stream import FileStarts, Piece
    from cmp.yamldoc import Document

MAX_LISTED = 5  # the first mistake is often the cause of the others
MAX_QUOTED = 80  # characters of what is no manifest

ALLOW_CIPHERTEXT = "allowCiphertext"

_FIELD = re.compile(r"[a-z][A-Za-z0-9_-]*")
_LOG_WORDS = frozenset(
    ("debug", "deprecated", "digest", "error", "fatal", "info", "level", "notice", "pulled", "time", "warn", "warning")
)
_QUOTABLE = re.compile(r"[A-Za-z0-9_./-]{1,60}")
_KIND_LINE = re.compile(rb"^kind: *(\w+)", re.MULTILINE)
_NAME_LINE = re.compile(rb"^metadata:\r?\n(?:  .*\n)*?  name: *([\w.-]+)", re.MULTILINE)
_TYPES = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a map", str: "text"}


class Finding(NamedTuple):
    """A reason to refuse the output.  `override_option` is the key of `output` that accepts it, or empty.

    `line` counts from 1 in the engine's output; `subject` names the object as far as it is known.  `is_no_manifest` is
    told of what has nothing of an object of Kubernetes.
    """

    line: int
    subject: str
    source: str
    message: str
    override_option: str = ""
    is_no_manifest: bool = False


class Candidate(NamedTuple):
    """A value that may be an object, and where it was printed; the items of a List share its place."""

    value: object
    line: int
    source: str

    def finding(self, message: str, override_option: str = "", line: int = 0) -> Finding:
        """Return a finding against this value."""
        return Finding(
            line=line or self.line,
            subject=subject(self.value),
            source=self.source,
            message=message,
            override_option=override_option,
        )


def subject(value: object) -> str:
    """Name an object for a message by as much of kind, namespace and name as it has."""
    if not isinstance(value, dict):
        return "a document"
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    names = (fields.get("namespace"), fields.get("name") or fields.get("generateName"))
    path = "/".join(part for part in names if isinstance(part, str) and part)
    kind = value.get("kind")
    return " ".join(part for part in (kind if isinstance(kind, str) and kind else "an object", path) if part)


def guessed_subject(text: bytes) -> str:
    """Name the object in a text that no parser accepts."""
    kind, name = _KIND_LINE.search(text), _NAME_LINE.search(text)
    words = [match[1].decode() for match in (kind, name) if match]
    return " ".join(words if kind else ["an object", *words]) if words else "a document"


def guesses_kind(text: bytes) -> bool:
    """Return whether a text that no parser accepts was meant to be an object."""
    return _KIND_LINE.search(text) is not None


def document_mistakes(document: Document, candidate: Candidate, piece: Piece) -> Iterator[Finding]:
    """Yield the mistakes of a document whose value is a map, for every kind of object."""
    yield from _repetitions(document, candidate, piece)
    at = piece.text.find(CIPHERTEXT)
    if at >= 0:
        line = piece.line + piece.text.count(b"\n", 0, at)
        yield candidate.finding("SOPS ciphertext, still encrypted", ALLOW_CIPHERTEXT, line)
    for key, value in candidate.value.items() if isinstance(candidate.value, dict) else ():
        if key == "sops":
            yield candidate.finding("a top-level key `sops`: this is an encrypted file", ALLOW_CIPHERTEXT)
        elif not isinstance(value, dict | list) and (not _FIELD.fullmatch(key) or key.lower() in _LOG_WORDS):
            yield candidate.finding(f"the key {_path((key,))} looks like a line of a log that ran into the object")


def _repetitions(document: Document, candidate: Candidate, piece: Piece) -> Iterator[Finding]:
    lines = {repeated.path: piece.line + repeated.line - 1 for repeated in document.duplicates}
    if ("apiVersion",) in lines and ("kind",) in lines:  # Go drops the first object in silence
        message = "two objects in one document: the `---` between them is missing, or the line break before it"
        yield candidate.finding(message, line=min(lines[("apiVersion",)], lines[("kind",)]))
        return
    for path in {repeated.path: None for repeated in document.duplicates if not repeated.is_equal}:
        yield candidate.finding(
            f"the key {_path(path)} stands twice with different values", "allowDuplicateKeys", lines[path]
        )


def harmless_repetitions(document: Document, candidate: Candidate, piece: Piece) -> Iterator[Finding]:
    """Yield the keys that stand twice with the same value, which is the same to every reader."""
    different = {repeated.path for repeated in document.duplicates if not repeated.is_equal}
    lines = {repeated.path: piece.line + repeated.line - 1 for repeated in document.duplicates}
    for path in lines.keys() - different:
        message = f"the key {_path(path)} stands twice with the same value"
        yield candidate.finding(message, "allowDuplicateKeys", lines[path])


def object_mistakes(candidate: Candidate, mask: Callable[[str], str]) -> Iterator[Finding]:
    """Yield the mistakes that keep a value from being an object that Kubernetes could take."""
    value = candidate.value
    if not isinstance(value, dict):
        message = f"{_type(value)}, not an object: {quoted(value, mask)}"
        yield candidate.finding(message)._replace(is_no_manifest=True)
        return
    if not (value.get("apiVersion") or value.get("kind")):
        message = f"no manifest, for it has no apiVersion and no kind: {quoted(value, mask)}"
        yield candidate.finding(message)._replace(is_no_manifest=True)
        return
    yield from (candidate.finding(message) for message in _identity_mistakes(value))
    if value.get("kind") == "Secret":
        yield from (candidate.finding(message, ALLOW_CIPHERTEXT) for message in _encoded_ciphertext(value))


def quoted(value: object, mask: Callable[[str], str]) -> str:
    """Quote a text, or another value as JSON, on one line: masked, and then shortened, so that no secret is cut."""
    text = value if isinstance(value, str) else yamldoc.to_json(value)
    masked = " ".join(mask(text).split())
    return f"`{masked}`" if len(masked) <= MAX_QUOTED else f"`{masked[:MAX_QUOTED]}…`"


def _identity_mistakes(value: Mapping[str, object]) -> Iterator[str]:
    for key in ("apiVersion", "kind"):
        yield from _text_mistakes(value, key, key, is_required=True)
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield f"metadata is {_type(metadata)}, not a map"
        return
    fields = metadata or {}
    key = "generateName" if fields.get("name") in (None, "") and fields.get("generateName") else "name"
    yield from _text_mistakes(fields, key, f"metadata.{key}", is_required=True)
    yield from _text_mistakes(fields, "namespace", "metadata.namespace", is_required=False)


def _text_mistakes(fields: Mapping[str, object], key: str, path: str, *, is_required: bool) -> Iterator[str]:
    field = fields.get(key)
    if field is None or field == "":
        if is_required:
            yield f"no {path}"
    elif not isinstance(field, str):
        yield f"{path} is {_type(field)}, not text: quote it"


def _encoded_ciphertext(secret: Mapping[str, object]) -> Iterator[str]:
    data = secret.get("data")
    forms = _base64_forms()
    for key, value in data.items() if isinstance(data, dict) else ():
        text = "".join(value.split()) if isinstance(value, str) else ""
        if any(form in text for form in forms):
            yield f"{_path(('data', key))} holds SOPS ciphertext, encoded in base64"


def _base64_forms() -> tuple[str, ...]:
    """Return the mark of ciphertext in base64, in each of the three alignments that the text before it can cause."""
    import binascii  # noqa: PLC0415  # for Secrets only

    aligned = (CIPHERTEXT[skipped:] for skipped in range(3))
    return tuple(binascii.b2a_base64(mark[: len(mark) // 3 * 3], newline=False).decode() for mark in aligned)


def _type(value: object) -> str:
    return "nothing" if value is None else _TYPES[type(value)]


def _path(path: tuple[str | int, ...]) -> str:
    """Write a path as people do, without keys that may be a piece of somebody's text."""
    return f"`{'.'.join(str(part) if _QUOTABLE.fullmatch(str(part)) else '…' for part in path)}`"


def refusal(
    findings: Sequence[Finding], engine: str, files: FileStarts, undecrypted: Callable[[], Sequence[str]]
) -> OutputError:
    """Return one error for all findings: the first few in full, then the number of the others."""
    places = [files.place(finding.line, finding.source) for finding in findings]
    ways = (_decrypting(findings, undecrypted), _accepting(findings), _leaving_out(findings, files))
    hint = "; ".join(filter(None, ways))
    first, *others = findings
    if not others:
        return OutputError(f"{first.subject}: {first.message}", file=places[0], hint=hint)
    lines = [
        f"\n  {place}: {finding.subject}: {finding.message}"
        for place, finding in zip(places[:MAX_LISTED], findings[:MAX_LISTED], strict=True)
    ]
    if len(findings) > MAX_LISTED:
        lines.append(f"\n  and {len(findings) - MAX_LISTED} more")
    return OutputError(f"{len(findings)} mistakes in what {engine} printed{''.join(lines)}", hint=hint)


def _decrypting(findings: Sequence[Finding], undecrypted: Callable[[], Sequence[str]]) -> str:
    """Return the way out for ciphertext from files of the chart, which are decrypted only where they are listed."""
    if not any(finding.override_option == ALLOW_CIPHERTEXT for finding in findings):
        return ""
    names = undecrypted()
    listed = [name if _QUOTABLE.fullmatch(name) else yamldoc.to_json(name) for name in names[:MAX_LISTED]]
    others = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    whose = f"the encrypted files{others}" if names else "encrypted files of the folder that is rendered"
    return f"`secrets: {{files: [{', '.join(listed) or '…'}]}}` in cmp-app.yaml decrypts {whose}"


def _accepting(findings: Sequence[Finding]) -> str:
    options = sorted({finding.override_option for finding in findings} - {""})
    listed = ", ".join(f"{option}: true" for option in options)
    return f"if this is meant, `output: {{{listed}}}` in cmp-app.yaml accepts it" if options else ""


def _leaving_out(findings: Sequence[Finding], files: FileStarts) -> str:
    """Return the way out for files of the repository that are no manifests, which Argo CD would pass over."""
    names = dict.fromkeys(finding.source for finding in findings if finding.is_no_manifest)
    if not (files.starts and names):
        return ""
    paths = [name.removeprefix(f"{files.folder}/") for name in names]
    listed = ", ".join(path if _QUOTABLE.fullmatch(path) else yamldoc.to_json(path) for path in paths)
    return f"`plain: {{exclude: [{listed}]}}` in cmp-app.yaml leaves out what is no manifest"
