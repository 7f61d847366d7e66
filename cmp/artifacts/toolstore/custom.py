"""Programs that lie in an administrator's own folders (`CMP_CUSTOM_TOOLS`), in the style of Argo CD's custom tools.

Argo CD is told of `kustomize.path.v3.5.4: /custom-tools/kustomize_3_5_4`; here the name tells it: tool, then version
with `_` for each dot.  Instead of the program there may be a folder of that name which holds it.

Nobody recorded what these programs were when they came.  Whoever may write to the folder is trusted with them, as by
Argo CD; cmp.lock is enforced, and so each is hashed when it is looked up: 20 ms for 30 MB, which
`cmp tools install TOOL@VERSION --from-file` saves.  They are read where they lie, and never written.
"""

from __future__ import annotations

import os
import re

_NAME = re.compile(r"([a-z][a-z0-9-]*)_(\d+_\d+_\d+([-+][0-9A-Za-z_+-]+)?)")


def find(folders: tuple[str, ...], name: str, version: str) -> str:
    """Return the path of a program in the first folder that has it, else an empty text."""
    for folder in folders:
        path = os.path.join(folder, f"{name}_{version.replace('.', '_')}")
        for program in (path, os.path.join(path, name)):
            if os.path.isfile(program):
                return program
    return ""


def listed(folders: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return name and version of each program in the folders; other files are nobody's business."""
    named = {
        (parts[1], parts[2].replace("_", "."))
        for folder in folders
        if os.path.isdir(folder)
        for entry in os.listdir(folder)
        if (parts := _NAME.fullmatch(entry))
    }
    return {(name, version) for name, version in named if find(folders, name, version)}
