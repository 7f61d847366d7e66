"""The image does its work as user 999 with a read-only root, and holds nothing that it does not need."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from cmp.artifacts import toolstore
from cmp.repository.config.model import PINS
from tests.argocd import caller
from tests.argocd.programs import Programs
from tests.image import build
from tests.image.repository import PASSWORD, PATH, RENDERED, SECRET_VALUES, Shop
from tests.image.runtime import USER, Volume
from tests.support.charts import HELM
from tests.support.harness import CHECKOUT
from tests.support.keys import RECIPIENT, encrypt, gpg_run, make_pgp, sops_tool
from tests.support.leaks import find_plaintext, wait_until
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.image.conftest import Image
    from tests.image.pod import Pod
    from tests.image.runtime import Container

NOT_IN_IT = ("pip", "pip3", "cc", "gcc", "c++", "make", "go", "git", "curl", "wget", "dirmngr", "age-keygen")
MEGABYTE = 1 << 20


@pytest.fixture
def charts(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as charts:
        yield charts


@pytest.fixture
def shop(tmp_path: Path, charts: ChartRepository, tools_dir: str) -> Shop:
    secret = encrypt(sops_tool(tools_dir), tmp_path / "values.yaml", SECRET_VALUES, "--age", RECIPIENT)
    return Shop.write(tmp_path / "shop", charts.url, secret)


def with_repository(container: Container, shop: Shop) -> Container:
    """Mount a repository, read-only, as /repository."""
    volumes = (*container.volumes, Volume(shop.folder, "/repository", read_only=True))
    return container._replace(volumes=volumes, cwd="/repository")


def names(text: str) -> set[str]:
    return {document["metadata"]["name"] for document in yaml.safe_load_all(text)}


def test_doctor_finds_nothing_wrong(pod: Pod) -> None:
    ran = pod.container("cmp").run("cmp", "doctor")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.endswith("\nnothing will go wrong that can be seen from here\n")
    assert not re.search("^(warn|FAIL)", ran.stdout, re.MULTILINE), ran.stdout
    for line in (
        f"helm {HELM}: /opt/tools/helm/{HELM}/helm",
        "private folder: /run/cmp",
        "chart cache: /var/cache/cmp",
    ):
        assert f"ok    {line}\n" in ran.stdout


def test_the_tools_are_those_of_the_lock(pod: Pod) -> None:
    ran = pod.container("cmp").run("cmp", "tools", "verify")
    assert (ran.code, ran.stderr) == (0, "")
    locked = {(tool.name, tool.version) for tool in build.committed_lock().tools}
    assert {*ran.stdout.splitlines()} == {f"{name} {version} is what was installed" for name, version in locked}
    assert {(name, PINS[name].version) for name in ("helm", "kustomize", "sops")} < locked


def test_the_committed_lock_names_what_the_go_modules_build(tools_dir: str) -> None:
    lock = build.committed_lock()
    assert {(tool.name, tool.version, tool.os, tool.arch, tool.via) for tool in lock.tools} == {
        (tool.name, tool.version, "linux", arch, "go") for tool in lock.tools for arch in ("amd64", "arm64")
    }
    here = [tool for tool in lock.tools if (tool.os, tool.arch) == toolstore.platform()]
    for tool in here:
        record = toolstore.entry(tools_dir, tool.name, tool.version).record
        assert record
        assert record.via == "release" or record.sha256 == tool.sha256, f"another Go than {dockerfile_go()} built it"


def dockerfile_go() -> str:
    found = re.search(r"GOTOOLCHAIN=(\S+)", (CHECKOUT / "Dockerfile").read_text())
    assert found
    return found[1]


def test_a_render_needs_nothing_but_the_volumes(pod: Pod, shop: Shop, charts: ChartRepository) -> None:
    container = with_repository(pod.container("cmp"), shop)
    ran = container.run("cmp", "render", "shop", "--cluster", "dev")
    assert ran.code == 0, ran.stderr
    assert names(ran.stdout) == RENDERED
    assert PASSWORD in ran.stdout
    asked = len(charts.requests)
    assert container.run("cmp", "render", "shop", "--cluster", "dev").stdout == ran.stdout
    assert len(charts.requests) == asked > 0
    assert find_plaintext([pod.folder / "volumes"], [PASSWORD]) == []


def test_a_real_cmp_server_serves_a_render_over_its_socket(
    pod: Pod, shop: Shop, charts: ChartRepository, test_tools_dir: str
) -> None:
    programs = Programs.of(test_tools_dir)
    shutil.copy(programs.argocd, pod.volume("var-files") / "argocd-cmp-server")  # as Argo CD's init container does
    socket = pod.volume("plugins") / "cmp.sock"
    with pod.container("cmp").running(*pod.command("cmp")) as server:
        wait_until(socket.exists)
        (answer,) = caller.call(programs.caller, "socket", request(shop, socket, "shop"))
        with pytest.raises(caller.RequestError, match="no rule for AppProject other"):
            caller.call(programs.caller, "socket", request(shop, socket, "other"))
        server.terminate()
        wait_until(lambda: not socket.exists())  # tini has passed SIGTERM on; the server itself waits for the kubelet
    assert {name for text in answer.answer["manifests"] for name in names(text)} == RENDERED
    assert charts.requests
    assert find_plaintext([pod.folder / "volumes"], [PASSWORD]) == []


def request(shop: Shop, socket: Path, project: str) -> dict[str, object]:
    env = {
        "ARGOCD_APP_NAME": "shop",
        "ARGOCD_APP_NAMESPACE": "shop",
        "ARGOCD_APP_PROJECT_NAME": project,
        "ARGOCD_APP_SOURCE_PATH": PATH,
        "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example.com/platform/clusters",
        "KUBE_VERSION": "1.34",
    }
    return {
        "socket": str(socket),
        "root": str(shop.folder),
        "path": str(shop.folder / PATH),
        "env": [f"{name}={value}" for name, value in env.items()],
        "deadline": 30,
    }


def test_the_init_container_warms_the_cache_from_a_lock(pod: Pod, shop: Shop, charts: ChartRepository) -> None:
    lock = write_lock(pod, shop)
    warm = pod._replace(folder=pod.folder / "warm", contents={**pod.contents, "cmp-lock": {"cmp.lock": lock}})
    ran = warm.container("cmp-warm").run(*warm.command("cmp-warm"))
    assert (ran.code, ran.stdout, ran.stderr) == (0, "1 archives in /var/cache/cmp, 1 of them new\n", "")
    asked = len(charts.requests)
    container = with_repository(warm.container("cmp"), shop)
    assert names(container.run("cmp", "render", "shop", "--cluster", "dev").stdout) == RENDERED
    assert len(charts.requests) == asked


def write_lock(pod: Pod, shop: Shop) -> bytes:
    """Return what `cmp lock` writes, in another Pod."""
    os.chown(shop.folder, USER, USER)
    container = pod.container("cmp")
    volumes = (*container.volumes, Volume(shop.folder, "/repository"))
    ran = container._replace(volumes=volumes).run("cmp", "lock", cwd="/repository")
    assert ran.code == 0, ran.stderr
    return (shop.folder / "cmp.lock").read_bytes()


def test_without_a_lock_or_a_chart_repository_the_sidecar_starts_cold(
    pod: Pod, shop: Shop, charts: ChartRepository
) -> None:
    ran = pod.container("cmp-warm").run(*pod.command("cmp-warm"))
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    lock = write_lock(pod, shop)
    cold = pod._replace(folder=pod.folder / "cold", contents={**pod.contents, "cmp-lock": {"cmp.lock": lock}})
    charts.files.clear()
    ran = cold.container("cmp-warm").run(*cold.command("cmp-warm"))
    assert (ran.code, ran.stdout) == (0, "")
    assert ran.stderr.endswith("cmp: the sidecar starts with a cold cache\n")


def test_pgp_keys_are_imported_into_memory(pod: Pod, tmp_path: Path, charts: ChartRepository, tools_dir: str) -> None:
    (home := tmp_path / "gpg").mkdir(mode=0o700)
    pgp = make_pgp(home, sops_tool(tools_dir), SECRET_VALUES)
    exported = gpg_run(home, "--armor", "--export-secret-keys").encode()
    pod = pod._replace(contents={"cmp-policy": pod.contents["cmp-policy"], "cmp-pgp": {"keys.asc": exported}})
    assert pod.container("cmp-pgp").run(*pod.command("cmp-pgp")).code == 0
    shop = Shop.write(tmp_path / "shop", charts.url, pgp.data)
    ran = with_repository(pod.container("cmp"), shop).run("cmp", "render", "shop", "--cluster", "dev")
    assert ran.code == 0, ran.stderr
    assert PASSWORD in ran.stdout


def test_nothing_in_the_image_may_be_written_by_its_user(image: Image) -> None:
    found = [path for path in below(image.root) if may_write(path)]
    assert [str(path.relative_to(image.root)) for path in found] == ["tmp"], "where a volume is mounted"


def may_write(path: Path) -> bool:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode) or stat.S_ISCHR(status.st_mode):
        return False
    return USER in (status.st_uid, status.st_gid) or bool(status.st_mode & stat.S_IWOTH)


def below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *files))


def test_it_holds_no_compiler_no_installer_and_no_secret(image: Image) -> None:
    programs = {path.name for path in below(image.root) if path.is_file() and os.access(path, os.X_OK)}
    assert programs.isdisjoint(NOT_IN_IT)
    assert {"gpg", "gpg-agent", "python3.13", "tini"} <= programs
    assert not list(image.root.glob("root/.cache/*"))
    private = [path for path in below(image.root) if path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()[:4096]]
    assert private == []


def test_it_is_small(image: Image) -> None:
    size = sum(path.lstat().st_size for path in below(image.root) if not path.is_symlink())
    print(f"image: {size / MEGABYTE:.0f} MiB")  # noqa: T201
    tools = sum(path.stat().st_size for path in below(image.root / "opt/tools") if path.is_file())
    assert size - tools < 140 * MEGABYTE


def test_every_module_is_compiled_and_does_not_ask_for_the_time_of_its_source(image: Image) -> None:
    library = image.root / "opt/cmp/lib"
    sources = sorted(library.rglob("*.py"))
    assert any(source.parent.name == "cmp" for source in sources)
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.*.pyc")
        assert compiled.read_bytes()[4] == 1, "PEP 552: hash-based and not checked"


@pytest.mark.parametrize("name", ["cmp/__init__.py", "gc.py", "os.py", "re.py", "sitecustomize.py", "yaml.py"])
def test_what_lies_in_the_working_directory_is_not_imported(pod: Pod, tmp_path: Path, name: str) -> None:
    hostile = tmp_path / "hostile" / name
    hostile.parent.mkdir(parents=True)
    hostile.write_text("raise SystemExit('imported')\n")
    container = pod.container("cmp")
    volumes = (*container.volumes, Volume(tmp_path / "hostile", "/hostile"))
    ran = container._replace(volumes=volumes).run("cmp", "tools", "list", cwd="/hostile", PYTHONPATH="/hostile")
    assert (ran.code, ran.stderr) == (0, "")


def test_it_says_what_it_is(image: Image) -> None:
    assert image.config["User"] == f"{USER}:{USER}"
    assert image.config["Entrypoint"] == ["/usr/bin/tini", "--", "/var/run/argocd/argocd-cmp-server"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image.config["Labels"].items()}
    assert (labels["title"], labels["version"]) == ("cmp", build.VERSION)
    assert labels["base.name"].startswith(f"localhost/debian:{build.SUITE}-")
    plugin = image.root / "home/argocd/cmp-server/config/plugin.yaml"
    assert plugin.read_bytes() == (CHECKOUT / "plugin.yaml").read_bytes()


def test_the_context_of_the_build_is_no_more_than_it_needs() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} | {"Dockerfile"} == set(build.CONTEXT)
