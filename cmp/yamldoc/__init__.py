r"""YAML as Argo CD reads it: the only place that imports PyYAML.

`load_all` reads the values that Argo CD's parser reads (sigs.k8s.io/yaml over go-yaml v2), `dump_all` writes a stream
that this parser, and every other YAML reader, reads back unchanged, `parse` adds to each value the document's own
bytes, its line and its duplicate keys, `to_json` prints a value as Go does.  libyaml does the parsing (through PyYAML's
`CParser`); the values of scalars are resolved here, because PyYAML's own constructors take `1e3` for a string, `1:30`
for 90, and a date for an object.

    document.py    YamlError, Document, Duplicate; the bytes of a stream -> the bytes of its documents
    scalar.py      a scalar's text and tag -> its value, as go-yaml resolves it
    events.py      the bytes of a document -> libyaml's events, or a YamlError
    construct.py   events -> the value; events -> the lines of keys, duplicate keys
    emit.py        values -> YAML
    access.py      the parts of a value whose shape has not been checked
    nodes.py       events -> nodes, each with its line and column: for the configuration
    strict.py      events -> nodes, or an error where two parsers could differ: for the metadata of sops

Documents are separated as Argo CD separates them, at lines that begin with `---`.  Those whose value is null (empty,
comments only, `null`) are dropped, as there.

Stricter than Argo CD's parser, on purpose: text after a document's end marker (`...`), which Argo CD loses in silence,
and more than 256 levels of nesting, so that a walk through a value may recurse, are errors.  So are texts that libyaml
cannot read as go-yaml does: UTF-16, a byte order mark inside a document, and between brackets a colon before a comma or
a bracket (`[a:]`), a tag before one (`[!a, b]`), and a question mark in a plain scalar where go-yaml takes it for a key
(`[?a]`; it mostly refuses it).  In a document that ends without a newline Argo CD's splitter adds one.

Wider: `--- text` on one line and `%YAML 1.1` are read, as the parser itself does; `cmp.render.output` refuses the
texts that Argo CD's splitter refuses beyond that.  A stream that begins with `{` is YAML too, where Argo CD tries JSON
first: `\/` and escaped surrogate pairs, which JSON has and YAML has not, are errors.
"""

from __future__ import annotations

from math import copysign, isfinite
from typing import TYPE_CHECKING

from cmp.errors import ConfigError
from cmp.yamldoc.document import Document, Duplicate, YamlError, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.errors import CmpError
    from cmp.yamldoc.document import Path

_SCIENTIFIC_BELOW, _SCIENTIFIC_FROM = 1e-6, 1e21  # as in Go's encoding/json

__all__ = [
    "Document",
    "Duplicate",
    "YamlError",
    "dump_all",
    "lines",
    "load_all",
    "load_maps",
    "parse",
    "parse_file",
    "preload",
    "to_json",
]


def preload() -> None:
    """Import PyYAML now, while a child process runs; ToolError when it lacks libyaml (reading needs no call before)."""
    import cmp.yamldoc.construct  # noqa: F401, PLC0415  # PyYAML costs more than a bare interpreter's start


def load_all(data: bytes) -> list[object]:
    """Return the values of all documents that are not null: dict with str keys, list, str, bool, int, float, None.

    Numbers keep Go's type: int within int64 and uint64, else float.  The last of duplicate keys wins; no two places
    share an object.  Raises YamlError.
    """
    return [value for _, _, value, _ in _documents(data)]


def parse(data: bytes) -> list[Document]:
    """Return all documents that are not null, in order; raises YamlError."""
    return [
        Document(text=text, value=value, line=line, duplicates=_duplicates(text, line, repetitions))
        for text, line, value, repetitions in _documents(data)
    ]


def load_maps(data: bytes) -> list[dict[str, object]]:
    """Return the documents that are maps; none of a text that is not YAML, which its own reader will report."""
    try:
        return [value for value in load_all(data) if isinstance(value, dict)]
    except YamlError:
        return []


def parse_file(
    data: bytes,
    file: str,
    *,
    error: type[CmpError] = ConfigError,
    what: str = "this is not YAML",
    with_column: bool = True,
    hint: str = "",
) -> list[Document]:
    """Parse the content of a file; an error that says `what`, the problem and its place, where it is not YAML."""
    try:
        return parse(data)
    except YamlError as wrong:
        place = f"{file}:{wrong.line}:{wrong.column}" if with_column else f"{file}:{wrong.line}"
        raise error(f"{what}: {wrong.problem}" if what else wrong.problem, file=place, hint=hint) from None


def lines(document: Document) -> dict[Path, int]:
    """Return the line (from 1, in the whole input) of each key and list item that is written in a document.

    A path has keys and indexes; of duplicate keys it is the last.  The content of an alias has no lines.
    """
    from cmp.yamldoc.construct import trace  # noqa: PLC0415  # as in `preload`

    return trace(document.text, document.line).lines


def dump_all(documents: Iterable[object]) -> bytes:
    """Return a stream that reads back as equal documents, each begun with `---`; equal values have equal bytes.

    Keys are sorted.  A document that is null is not read back at all.  ValueError for a value that cannot be read back
    (an integer beyond 64 bits, a float that is not finite, a lone surrogate, more than 256 levels), TypeError for other
    types than dict with str keys, list, tuple, str, bool, int, float and None.
    """
    from cmp.yamldoc import emit  # noqa: PLC0415  # its patterns take milliseconds to compile; `generate` needs none

    return emit.dump_all(documents)


def to_json(value: object) -> str:
    """Return JSON as Go's encoding/json prints it with HTML escaping off: no blanks, keys sorted; `<`, `>`, `&` stay.

    ValueError for a number that is not finite, which JSON cannot hold.
    """
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{to_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _documents(data: bytes) -> Iterator[tuple[bytes, int, object, list[bool]]]:
    from cmp.yamldoc.construct import construct  # noqa: PLC0415  # as in `preload`

    for text, line in split(data):
        value, repetitions = construct(text, line)
        if value is not None:
            yield text, line, value, repetitions


def _duplicates(text: bytes, line: int, repetitions: list[bool]) -> tuple[Duplicate, ...]:
    if not repetitions:
        return ()
    from cmp.yamldoc.construct import trace  # noqa: PLC0415  # as in `preload`

    keys = trace(text, line).duplicates
    return tuple(Duplicate(*key, is_equal) for key, is_equal in zip(keys, repetitions, strict=True))


def _string(text: str) -> str:
    from json.encoder import encode_basestring  # noqa: PLC0415  # only `--output json` needs it

    return encode_basestring(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _number(value: float) -> str:
    """Print the fewest digits that are the same float (`repr` finds them), laid out as Go does."""
    if not isfinite(value):
        raise ValueError("JSON has no number that is not finite")
    if value and not _SCIENTIFIC_BELOW <= abs(value) < _SCIENTIFIC_FROM:
        return repr(value).replace("e-0", "e-")
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.removesuffix(".0").partition(".")
    digits, exponent = whole + fraction, int(power or 0) - len(fraction)
    if exponent < 0:
        digits = digits.zfill(1 - exponent)
        digits = f"{digits[:exponent]}.{digits[exponent:]}"
    sign = "-" if copysign(1, value) < 0 else ""
    return sign + digits + "0" * exponent
