"""Build the image from the Dockerfile that its users build it from, on a Debian of our own; once for each content.

The checkout is the build's context, with one difference, which docs/install.md describes too: image/tools.lock names
what this machine's store holds, as releases, and `CMP_TOOLS_MIRROR` a host on loopback that has them.  The mirror, its
checksums and the check against the lock are the real way of a release; only that the programs were built here is not.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import ssl
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from cmp.artifacts import lockfile, toolstore
from cmp.artifacts.lockfile import Lock, LockedTool
from cmp.artifacts.toolstore.recipes import recipe
from cmp.model import ToolPin
from cmp.system.locks import single_flight
from tests.image.buildah import Buildah
from tests.support.harness import CHECKOUT
from tests.support.servers.releases import ReleaseHost

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "trixie"  # the Debian of the Dockerfile's BASE
CONTEXT = ("Dockerfile", "ci", "cmp", "image", "plugin.yaml", "pyproject.toml", "README.md", "LICENSE", "requirements")
NAME = "localhost/argocd-cmp"
VERSION = "0.0-test"
SECONDS = 900.0
MAX_IMAGES = 200  # what builds of older sources left, layers counted; then the storage begins anew
# As in Debian's own slim images.
_SLIM = tuple(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "info", "locale"))


class Tools(NamedTuple):
    """Programs of a store, by the names that a lock gives them."""

    tools_dir: str
    pins: tuple[ToolPin, ...]

    def lock(self) -> bytes:
        """Return a cmp.lock that takes them for releases."""
        return lockfile.dump(Lock(tools=tuple(self._locked(pin) for pin in self.pins)))

    def serve(self, host: ReleaseHost) -> None:
        """Publish them as their projects do."""
        for pin in self.pins:
            release = recipe(pin).release
            assert release
            content = self.program(pin).read_bytes()
            body = _packed(release.member, content) if release.member else content
            host.publish(urlsplit(release.url).path, body, urlsplit(release.checksums).path)

    def program(self, pin: ToolPin) -> Path:
        """Return the path of one of them, which must be there."""
        found = toolstore.lookup(self.tools_dir, pin)
        assert found, f"{pin.name} {pin.version} is not in {self.tools_dir}: `make setup` puts it there"
        return Path(found.path)

    def _locked(self, pin: ToolPin) -> LockedTool:
        return LockedTool(
            pin.name, pin.version, *toolstore.platform(), "release", toolstore.sha256(str(self.program(pin)))
        )


def committed_lock() -> Lock:
    """Return image/tools.lock as it lies in the checkout."""
    return lockfile.parse((CHECKOUT / "image/tools.lock").read_bytes(), "image/tools.lock")


def build(folder: Path, tools_dir: str) -> str:
    """Return the name of the image of this checkout, built first if need be; its storage is `folder`/storage."""
    assert os.geteuid() == 0, "images are built and run here by root"
    buildah = Buildah(folder)
    pins = {ToolPin(tool.name, tool.version, "image/tools.lock") for tool in committed_lock().tools}
    tools = Tools(tools_dir, tuple(sorted(pins)))
    with single_flight(str(folder / "build.lock"), SECONDS), _context(tools) as context:
        image = f"{NAME}:{_digest(context)}"
        if not buildah.has(image):
            if buildah.size() > MAX_IMAGES:
                buildah.clear()
            base = _build_base(buildah, folder)
            with ReleaseHost() as mirror:
                tools.serve(mirror)
                buildah.build(context, image, BASE=base, CMP_TOOLS_MIRROR=mirror.url, VERSION=VERSION)
    return image


@contextmanager
def _context(tools: Tools) -> Iterator[Path]:
    """Copy what the Dockerfile may see into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for name in CONTEXT:
            source = CHECKOUT / name
            if source.is_dir():
                shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, context / name)
        (context / "image/tools.lock").write_bytes(tools.lock())
        yield context


def _digest(context: Path) -> str:
    digest = hashlib.sha256(SUITE.encode() + _authorities())
    for path in sorted(path for path in context.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(context)}\0{path.stat().st_mode}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _build_base(buildah: Buildah, folder: Path) -> str:
    """Make the Debian.  It trusts what this machine trusts, as the build fetches from where `make setup` does."""
    authorities = folder / "authorities.crt"
    authorities.write_bytes(_authorities())
    base = f"localhost/debian:{SUITE}-{toolstore.sha256(str(authorities))[:16]}"
    if not buildah.has(base):
        buildah.import_base(_debian(folder), {authorities: "/usr/local/share/ca-certificates/machine.crt"}, base)
    return base


def _debian(folder: Path) -> Path:
    archive = folder / f"{SUITE}.tar"
    if not archive.exists():
        unfinished = folder / f"{SUITE}.new.tar"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", *_SLIM, SUITE, str(unfinished)], check=True)
        unfinished.rename(archive)
    return archive


def _authorities() -> bytes:
    found = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(found).read_bytes() if found else b""


def _packed(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
