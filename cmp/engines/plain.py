"""Plain manifests: the YAML and JSON files of a folder, printed as they are, one after the other.

No program runs.  Which files are read, and in which order, the repository tells (`Instance.files`); here they become
one stream that Argo CD cuts where its directory source cuts the files.  Each file begins with a comment that names it,
as the output of helm has it, so that whatever is wrong with an object can be said of its file.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cmp.engines.protocol import NO_FILES, EngineOutput, Needs
from cmp.engines.registry import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = PLAIN
NOISE: tuple[re.Pattern[str], ...] = ()
HEADER = b"---\n# Source: %s\n"
SKIP = b"+argocd:skip-file-rendering"  # the mark of files that Argo CD's directory source leaves out

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)
_ONLY_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")  # text to JSON; to YAML a line's end, or forbidden


def needs(_: Tree, instance: Instance) -> Needs:
    """Ask for the plaintext of every encrypted file among those that are read."""
    return Needs(
        tools={},
        encryptable_files=dict.fromkeys(instance.manifest_files, ()) or NO_FILES,
        read_paths=instance.manifest_files,
    )


def start(instance: Instance, work: Work, _: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return what reads the files: not before they are decrypted."""

    def finish() -> EngineOutput:
        printed, begun, line = [], [], 1
        for path in instance.manifest_files:
            text = _text(path, _read(path, instance, work))
            if text:
                name = _shown(path)
                printed.append(HEADER % name.encode() + text)
                begun.append((line + HEADER.count(b"\n"), name))
                line += printed[-1].count(b"\n")
        return EngineOutput(b"".join(printed), tuple(_warnings(instance)), tuple(begun))

    return finish


def _read(path: str, instance: Instance, work: Work) -> bytes:
    with open(os.path.join(work.folder, path.removeprefix(f"{instance.folder}/")), "rb") as file:
        return file.read()


def _text(path: str, data: bytes) -> bytes:
    """Return the documents of a file, ended by a line break; nothing of a file that is skipped."""
    if SKIP in data:
        return b""
    text = data.removeprefix(_BYTE_ORDER_MARK)
    if path.endswith(".json"):
        text = _yaml_of_json(text)
    return text if text.endswith(b"\n") else text + b"\n"


def _shown(path: str) -> str:
    """Return the path as a comment can hold it, on one line."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path)


def _yaml_of_json(data: bytes) -> bytes:
    r"""Return JSON as a text that YAML reads alike: all of it is YAML, but for some characters.

    YAML has no `\/`, and does not take the two surrogates as which JSON escapes what lies outside the first plane.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data  # the guard says where
    text = _ESCAPE.sub(_yaml_escape, text) if "\\" in text else text
    return _ONLY_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _yaml_escape(found: re.Match[str]) -> str:
    if found[1]:
        return f"\\U{0x10000 + ((int(found[1], 16) - 0xD800) << 10) + int(found[2], 16) - 0xDC00:08X}"
    return "/" if found[0] == "\\/" else found[0]


def _warnings(instance: Instance) -> Iterator[str]:
    given = {
        "set": instance.parameters.set_values,
        "set-string": instance.parameters.set_strings,
        "values-yaml": instance.parameters.values_yaml,
    }
    if names := [name for name, value in given.items() if value]:
        yield f"plain: nothing uses {', '.join(names)}: plain manifests take no parameters"
