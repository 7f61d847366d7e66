"""An application whose chart depends on a library chart, whose schema is a reference to a web server."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from typing import TYPE_CHECKING

from tests.support import versions
from tests.support.charts import dependency
from tests.support.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox
    from tests.support.servers.charts import ChartRepository

OLD, NEWER = versions.HELM[0], versions.DEFAULT_HELM
APP, HERE = "namespaces/shop", "clusters/dev/shop"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Chart.Name }}}
data: {values: {{ omit .Values "global" | toJson | quote }}}
"""
# What the well-known library chart's schema is like: parts in other files, one of them under another name.
LIBRARY = {
    "lib.json": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "size": {"$ref": "#/definitions/size"},
            "color": {"$ref": "parts/color.json#/definitions/color"},
        },
        "definitions": {"size": {"type": "integer"}},
    },
    "parts/color.json": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://elsewhere.example.test/color.json",
        "definitions": {"color": {"$ref": "#/definitions/name"}, "name": {"enum": ["red", "blue"]}},
    },
}


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a .tgz, the same for the same files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def chart(name: str, schema: object, *dependencies: object) -> dict[str, bytes]:
    """Return the files of a chart, by path from its folder."""
    about = {"apiVersion": "v2", "name": name, "version": "1.0.0", "dependencies": list(dependencies)}
    files = {"Chart.yaml": json.dumps(about).encode(), "values.yaml": b"{}", "templates/all.yaml": TEMPLATE.encode()}
    return files if schema is None else {**files, "values.schema.json": json.dumps(schema).encode()}


class RepositoryWithRemoteSchema(Repository):
    """The repository of the application, and the server that has the library chart and the schemas."""

    def __init__(self, sandbox: Sandbox, server: ChartRepository) -> None:
        super().__init__(sandbox)
        self.server = server
        self._seen = 0
        self.host = server.url.split("/")[2]
        self.schema = f"{server.url}/lib.json"
        self.serve(LIBRARY)
        self.publish("common", {"$ref": self.schema})
        self.write({f"{HERE}/dev-values.yaml": ""})
        self.app(None, dependency("common", "1.0.0", server.url))

    def app(self, schema: object, *dependencies: object, **files: bytes) -> None:
        """Write the chart of the application, and more files of it."""
        more = {name.replace("__", "/"): data for name, data in files.items()}
        self.write({f"{APP}/{name}": data for name, data in {**chart("shop", schema, *dependencies), **more}.items()})

    def values(self, **values: object) -> None:
        self.write({f"{HERE}/dev-values.yaml": json.dumps(values)})

    def serve(self, schemas: Mapping[str, object]) -> None:
        self.server.files.update({f"/{name}": json.dumps(schema).encode() for name, schema in schemas.items()})

    def publish(self, name: str, schema: object) -> bytes:
        """Put a chart with a schema into the chart repository, and return its archive."""
        archive = pack({f"{name}/{path}": data for path, data in chart(name, schema).items()})
        self.server.files[f"/{name}-1.0.0.tgz"] = archive
        entry = {"apiVersion": "v2", "name": name, "version": "1.0.0", "urls": [f"{name}-1.0.0.tgz"]}
        index = {"apiVersion": "v1", "entries": {name: [entry]}}
        self.server.files["/index.yaml"] = json.dumps(index).encode()
        return archive

    def run(self, *options: str, helm: str = NEWER, **env: str) -> Ran:
        return super().run("--helm-version", helm, *options, **env)

    def bare(self, helm: str, folder: Path, values: Mapping[str, object]) -> tuple[int, str]:
        """Return the status of the bare helm, and what it says of a chart in a folder."""
        (folder / "values.json").write_text(json.dumps(values))
        argv = [f"{self.sandbox.tools_dir}/helm/{helm}/helm", "template", "shop", str(folder), "--values"]
        done = subprocess.run(
            [*argv, str(folder / "values.json")], env={"HOME": str(folder)}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    def asked(self) -> list[str]:
        """Return the schemas that the server was asked for since the last call."""
        requests = list(self.server.requests)
        found, self._seen = requests[self._seen :], len(requests)
        return [name for name in found if name.endswith(".json")]
