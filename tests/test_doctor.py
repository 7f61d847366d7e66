"""`cmp doctor` where there is no repository around: in the sidecar, for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp import confine, diagnosis, environ
from tests.chartworld import dependency, write_chart
from tests.servers.charts import ChartRepository
from tests.servers.web import WebServer
from tests.stores import Store
from tests.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Sandbox


def doctor(sandbox: Sandbox, cwd: Path, **env: str) -> dict[str, tuple[str, str]]:
    """Return what was looked at, with its state and what was found."""
    sandbox.extra.update(env)
    ran = sandbox.run("doctor", "--format", "json", cwd=cwd)
    assert (ran.code, ran.stderr) == (0, "")
    return {check["subject"]: (check["state"], check["found"]) for check in json.loads(ran.stdout)["checks"]}


def test_without_a_repository_the_installation_alone_is_looked_at(sandbox: Sandbox, tmp_path: Path) -> None:
    store = Store(tmp_path)
    program = store.put("helm", "3.18.6")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(store.folder))
    assert found["repository"] == ("ok", f"none around {tmp_path}")
    assert found["helm 3.18.6"] == ("ok", str(program))
    assert {state for state, _ in found.values()} == {"ok"}


def test_a_damaged_tool_no_tool_and_a_key_that_cannot_be_read_are_problems(sandbox: Sandbox, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("helm", "3.18.6").write_bytes(b"")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(store.folder), SOPS_AGE_KEY_FILE="/nowhere/keys.txt")
    assert found["helm 3.18.6"] == ("problem", "is damaged: it has 0 bytes, at install it had 10")
    assert found["keys"] == ("problem", "SOPS_AGE_KEY_FILE is /nowhere/keys.txt, which cannot be read")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(tmp_path / "nothing"))
    assert found["tools"] == ("problem", f"none in {tmp_path / 'nothing'}")


@pytest.mark.parametrize(
    ("version", "state", "found"),
    [
        (0, "warning", "the kernel does not confine kustomize, helmfile and CUE: they could read any file"),
        (3, "warning", "the kernel does not confine kustomize, helmfile and CUE: they could reach hosts"),
        (4, "ok", "kustomize, helmfile and CUE see no other files, and reach no host"),
    ],
)
def test_what_the_kernel_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, state: str, found: str
) -> None:
    monkeypatch.setattr(confine, "version", lambda: version)
    settings = environ.read({"HOME": str(tmp_path)}, default_deadline=1).settings
    (check,) = (check for check in diagnosis.examine(str(tmp_path), settings) if check.subject == "Landlock")
    assert (check.state, check.found) == (state, found)


class TestHosts:
    """`cmp doctor --hosts`, before a policy is tightened or cmp is upgraded."""

    def ask(self, sandbox: Sandbox, rules: str, code: int) -> dict[str, tuple[str, str, str]]:
        """Return the checks of hosts and charts under a policy."""
        (sandbox.folder / "policy.yaml").write_text(f"version: 1\ncharts: {rules}\n")
        sandbox.extra["CMP_POLICY"] = str(sandbox.folder / "policy.yaml")
        ran = sandbox.run("doctor", "--hosts", "--format", "json", cwd=sandbox.folder / "repo")
        assert (ran.code, ran.stderr) == (code, "")
        found = json.loads(ran.stdout)["checks"]
        return {
            check["subject"]: (check["state"], check["found"], check["hint"])
            for check in found
            if check["subject"].startswith("host ") or " of http" in check["subject"]
        }

    def test_each_host_is_met_and_judged(self, sandbox: Sandbox, archives: Path) -> None:
        with ChartRepository(archives) as repository, WebServer() as cdn:
            charts = [dependency("redis", "^1.2.0", repository.url), dependency("postgresql", "4.1.0", repository.url)]
            write_chart(sandbox.folder / "repo/namespaces/shop", "shop", "1.0.0", charts)
            plant(sandbox.folder / "repo", {"clusters/dev/shop/dev-values.yaml": "a: 1\n", ".git/HEAD": ""})
            moved = cdn.at().encode() + b"/moved"
            repository.files["/index.yaml"] = repository.files["/index.yaml"].replace(b"redis-2.0.0-rc.1.tgz", moved)
            cdn.give("/moved", b"an archive")
            own, away = f"127.0.0.1:{repository.server_port}", f"127.0.0.1:{cdn.server_port}"

            found = self.ask(sandbox, f'{{hosts: ["{own}"]}}', 1)
            assert found[f"host {own}"] == ("ok", f"for {repository.url}", "")
            state, what, hint = found[f"host {away}"]
            assert (state, what) == (
                "problem",
                (
                    f"chart redis ^1.2.0 of {repository.url} may not be fetched: {own} leads to {away}, which the "
                    "administrator's policy does not list"
                ),
            )
            assert f"`redirects: [{away}]` below `charts:`" in hint
            assert cdn.requests == []  # it is this machine, which only a list allows

            found = self.ask(sandbox, f'{{hosts: ["{own}"], redirects: ["{away}"]}}', 0)
            assert found == {f"host {one}": ("ok", f"for {repository.url}", "") for one in (own, away)}
            assert [path for path in repository.requests if path == "/index.yaml"] == ["/index.yaml"] * 2
        assert not list(sandbox.cache.rglob("*.tgz"))

        found = self.ask(sandbox, "{hosts: [charts.example.com]}", 1)
        assert found[f"host {own}"][0] == "problem"
        assert ": no connection (3 tries): " in found[f"chart redis ^1.2.0 of {repository.url}"][1]

    def test_offline_nobody_is_asked(self, sandbox: Sandbox, tmp_path: Path) -> None:
        sandbox.extra["CMP_OFFLINE"] = "1"
        ran = sandbox.run("doctor", "--hosts", cwd=tmp_path)
        assert (ran.code, ran.stderr) == (
            2,
            "cmp: --hosts asks chart repositories, and CMP_OFFLINE forbids it\n",
        )
