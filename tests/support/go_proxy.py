"""A proxy of Go modules in a folder, which the real Go reads by `GOPROXY=file://…`."""

from __future__ import annotations

import http.server
import json
import threading
import zipfile
from typing import TYPE_CHECKING

from cmp.artifacts import toolstore
from tests.support.servers.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("built") }\n'
# A stand-in for a newer toolchain, for none newer than the installed one can be had without a network: the real Go
# fetches and starts it.  It says its version, and "builds" a program that prints it, of a go.mod that has no more.
TOOLCHAIN = """#!/bin/sh
[ "$1" = env ] && { echo "go%(version)s"; echo "$GOTOOLCHAIN"; exit; }
[ "$1" = mod ] && echo "{}"
[ "$1" = build ] || exit 0
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho built by go%(version)s\\n' >"$2"
"""


class GoProxy:
    """The folder, and the modules in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def env(self) -> dict[str, str]:
        """The variables for Go: it asks this proxy alone, and keeps what it gets where the test ends."""
        return {
            "GOPROXY": f"file://{self.folder}",
            "GOSUMDB": "off",
            "GOMODCACHE": f"{self.folder}.cache",
            "GOFLAGS": "-modcacherw",
        }

    def publish(self, module: str, version: str, go_mod: str, files: Mapping[str, str] | None = None) -> None:
        """Add a version of a module; without `files` its archive cannot be had."""
        folder = self.folder / module / "@v"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "list").open("a") as listed:
            listed.write(f"{version}\n")
        (folder / f"{version}.info").write_text(json.dumps({"Version": version, "Time": "2026-01-01T00:00:00Z"}))
        (folder / f"{version}.mod").write_text(go_mod)
        if files is not None:
            with zipfile.ZipFile(folder / f"{version}.zip", "w") as archive:
                for name, content in {"go.mod": go_mod, **files}.items():
                    archive.writestr(f"{module}@{version}/{name}", content)

    def publish_tool(self, go: str, require: str = "", main: str = MAIN) -> None:
        """Add example.com/tool 1.0.0, which requires a version of Go."""
        self.publish("example.com/tool", "v1.0.0", f"module example.com/tool\n\ngo {go}\n{require}", {"main.go": main})

    def publish_toolchain(self, version: str) -> None:
        """Add a toolchain for this machine."""
        name = "-".join((f"v0.0.1-go{version}.", *toolstore.platform())).replace(".-", ".")
        files = {"bin/go": TOOLCHAIN % {"version": version}, "bin/gofmt": "", "lib/x": "", "pkg/tool/x": ""}
        self.publish("golang.org/toolchain", name, "module golang.org/toolchain\n", files)


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Refusing(_Handler):
    server: RefusingProxy

    def do_GET(self) -> None:
        is_refused = self.path.endswith(".zip")
        content = b"not for you\n" if is_refused else (self.server.folder / self.path.lstrip("/")).read_bytes()
        self.send_response(403 if is_refused else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(content)


class _Silent(_Handler):
    server: SilentProxy

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.closing.wait()


class _Proxy(LoopbackServer):
    @property
    def url(self) -> str:
        """The value of GOPROXY."""
        return f"http://127.0.0.1:{self.server_port}"


class RefusingProxy(_Proxy):
    """The modules of a folder by HTTP, without their archives."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_Refusing)
        self.folder = folder


class SilentProxy(_Proxy):
    """A proxy that answers nothing until the test ends; `requests` are the paths that were asked for."""

    def __init__(self) -> None:
        super().__init__(_Silent)
        self.requests: list[str] = []
        self.closing = threading.Event()

    def __exit__(self, *args: object) -> None:
        self.closing.set()
        super().__exit__(*args)
