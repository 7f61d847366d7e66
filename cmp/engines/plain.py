"""Plain manifests: the YAML and JSON files of a folder, printed as they are, one after the other.

No program runs.  The repository decides which files are read, and in which order (`Instance.manifest_files`); here they
become one stream that Argo CD cuts where its directory source cuts the files.  Each file begins with a comment that
names it, as in the output of helm, so that an error about an object names its file.
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
        object_files=instance.manifest_files,
        read_paths=instance.manifest_files,
    )


def start(instance: Instance, work: Work, _: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return the function that reads the files: not before they are decrypted."""

    def finish() -> EngineOutput:
        manifests, source_files, line = [], [], 1
        for path in instance.manifest_files:
            with open(os.path.join(work.folder, path.removeprefix(f"{instance.folder}/")), "rb") as file:
                data = file.read()
            text = _text(path, _of_directory(path, data) if instance.is_builtin else data)
            if text:
                name = _printable(path)
                manifests.append(HEADER % name.encode() + text)
                source_files.append((line + HEADER.count(b"\n"), name))
                line += manifests[-1].count(b"\n")
        return EngineOutput(b"".join(manifests), tuple(_warnings(instance)), tuple(source_files))

    return finish


def _of_directory(path: str, data: bytes) -> bytes:
    from cmp.engines import directory  # noqa: PLC0415  # only for sources that have no plugin

    return b"" if SKIP in data else directory.manifests(path, data)


def _text(path: str, data: bytes) -> bytes:
    """Return the documents of a file, ended by a line break; nothing of a file that is skipped."""
    if SKIP in data or not data:
        return b""
    text = data.removeprefix(_BYTE_ORDER_MARK)
    if path.endswith(".json"):
        text = _yaml_of_json(text)
    return text if text.endswith(b"\n") else text + b"\n"


def _printable(path: str) -> str:
    """Return the path as a comment can hold it, on one line."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path)


def _yaml_of_json(data: bytes) -> bytes:
    r"""Return JSON as a text that YAML reads alike: all JSON is YAML, but for some characters.

    YAML has no `\/`, and no surrogates, as a pair of which JSON escapes a character outside the first plane.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data  # the guard says where
    text = _ESCAPE.sub(_yaml_escape, text) if "\\" in text else text
    return _ONLY_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def _yaml_escape(match: re.Match[str]) -> str:
    if match[1]:
        return f"\\U{0x10000 + ((int(match[1], 16) - 0xD800) << 10) + int(match[2], 16) - 0xDC00:08X}"
    return "/" if match[0] == "\\/" else match[0]


def _warnings(instance: Instance) -> Iterator[str]:
    parameters = {
        "set": instance.parameters.set_values,
        "set-string": instance.parameters.set_strings,
        "set-template": instance.parameters.set_templates,
        "values-yaml": instance.parameters.values_yaml,
    }
    if names := [name for name, value in parameters.items() if value]:
        yield f"plain: nothing uses {', '.join(names)}: plain manifests take no parameters"
