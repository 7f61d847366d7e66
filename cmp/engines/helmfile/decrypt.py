"""The plugin `secrets` of helm, as helmfile calls it for the secrets of an environment: the file is plaintext already.

helmfile runs `helm secrets decrypt FILE` and reads what that prints.  Sops has decrypted the file in the private copy
before, so the plugin only prints it.  The secrets of releases need no plugin: they become values (rewrite.py).
"""

from __future__ import annotations

import os
import sys

VERSION = "4.0.0"  # of the plugin's protocol: from 4 on the command is `decrypt`

_MANIFEST = """\
name: secrets
version: {version}
usage: print a decrypted file
description: print a decrypted file
command: {python} -I -S $HELM_PLUGIN_DIR/decrypt.py
"""
_SCRIPT = (
    "import shutil, sys\nwith open(sys.argv[-1], 'rb') as file:\n    shutil.copyfileobj(file, sys.stdout.buffer)\n"
)


def plugins(scratch: str) -> str:
    """Return the folder of plugins, made in the scratch folder."""
    folder = os.path.join(scratch, "plugins")
    plugin = os.path.join(folder, "secrets")
    if not os.path.isdir(plugin):
        os.makedirs(plugin, 0o700)
        python = os.path.realpath(sys.executable)
        for name, text in (("plugin.yaml", _MANIFEST.format(version=VERSION, python=python)), ("decrypt.py", _SCRIPT)):
            with open(os.path.join(plugin, name), "w", encoding="utf-8") as file:
                file.write(text)
    return folder
