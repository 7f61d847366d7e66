"""`cmp doctor` where there is no repository around: in the sidecar, for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.doctor.installation import examine
from tests.support.charts import dependency, write_chart
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.servers.charts import ChartRepository
from tests.support.servers.web import WebServer
from tests.support.tool_stores import Store
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.doctor import Check
    from cmp.model import Tool
    from tests.support.harness import Sandbox


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


FILES = "programs that render see their own file, the private folder and the tree, and no other process"
NO_TCP = ("ok", "programs that render reach no host by TCP")
TCP = ("warning", "programs that render could reach hosts")
OLD = ("ok", "not confined before Linux 6.12; no template can send a signal or open a socket")


def test_secrets_that_are_too_short_to_be_masked_in_a_text_are_named(
    sandbox: Sandbox, tmp_path: Path, tools_dir: str
) -> None:
    root, seal = tmp_path / "repo", Seal(sops_tool(tools_dir), tmp_path / "plain")
    short = {f"pin{number}": f"{number}77" for number in range(4)}
    values = {
        "db": {"pin": "7531", "port": 5432, "on": True, "password": "long-enough"},
        "list": ["six666", "鍵", ""],
        **short,
    }
    plant(
        root,
        {
            ".git/HEAD": "",
            "namespaces/shop/Chart.yaml": CHART,
            "namespaces/shop/common-values.secret.yaml": seal("values.yaml", json.dumps(values, ensure_ascii=False)),
            "namespaces/shop/cmp-app.yaml": "secrets: {files: [upload.env]}\n",
            "namespaces/shop/upload.env": seal("upload.env", "PIN=1234\nTOKEN=long-enough\n"),
            "clusters/dev/shop/dev-values.secret.yaml": seal("other.yaml", "token: long-enough\n"),
        },
    )
    found = doctor(sandbox, root)
    assert {path: text for path, text in found.items() if "fewer than" in text[1]} == {
        "namespaces/shop/common-values.secret.yaml": (
            "warning",
            "secrets of fewer than 6 characters: db.pin, db.port, list[1], pin0, pin1 and 2 more",
        ),
        "namespaces/shop/upload.env": ("warning", "secrets of fewer than 6 characters: PIN"),
    }


class Seal:
    """Encrypts texts by the real sops."""

    def __init__(self, tool: Tool, folder: Path) -> None:
        self._tool = tool
        self._folder = folder
        folder.mkdir()

    def __call__(self, name: str, text: str) -> str:
        return encrypt(self._tool, self._folder / name, text, "--age", RECIPIENT).decode()


@pytest.mark.parametrize(
    ("version", "files", "tcp", "signals"),
    [
        (
            0,
            ("warning", "the kernel confines nothing: programs that render could read any file, and each other's"),
            TCP,
            OLD,
        ),
        (3, ("ok", FILES), TCP, OLD),
        (5, ("ok", FILES), NO_TCP, OLD),
        (
            6,
            ("ok", FILES),
            NO_TCP,
            ("ok", "programs that render reach no other process by a signal or an abstract socket"),
        ),
    ],
)
def test_which_walls_hold_on_this_kernel(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: int,
    files: tuple[str, str],
    tcp: tuple[str, str],
    signals: tuple[str, str],
) -> None:
    monkeypatch.setattr("cmp.system.sandbox.version", lambda: version)
    found = {check.subject: check for check in examined(tmp_path)}
    walls = [found[f"Landlock, {name}"] for name in ("files", "TCP", "signals")]
    assert [(check.state, check.found) for check in walls] == [files, tcp, signals]
    assert "use one sidecar a team: renders can read each other" in walls[0].hint or version


def test_a_policy_that_lets_applications_run_programs_is_a_warning(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ncharts: {hosts: [charts.example.com]}\n")
    assert [(check.state, check.found) for check in examined(tmp_path, policy)] == [("ok", str(policy))]
    policy.write_text("version: 1\ncue: {cmd: true}\nhelmfile: {hooks: true, exec: false, ref: true}\n")
    assert [(check.state, check.found) for check in examined(tmp_path, policy)] == [
        ("ok", str(policy)),
        (
            "warning",
            "helmfile.hooks, helmfile.ref: a helmfile that uses it runs without the wall, and what it starts too",
        ),
        (
            "warning",
            "cue.cmd: `cue cmd` and what it starts run behind a wider wall: all programs of the system, no TCP",
        ),
    ]


def examined(folder: Path, policy: Path | None = None) -> list[Check]:
    """Return what is said; with a policy, what is said of that alone."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    env = {"HOME": str(folder), **({"CMP_POLICY": str(policy)} if policy else {})}
    checks = examine(str(work), environ.read(env, default_deadline=1).settings)
    return [check for check in checks if not policy or check.subject == "policy"]


RULES = """\
version: 1
applications:
  - {projects: [orders], folders: [a], repositories: [https://git.example.com/a/b]}
  - {projects: [shop, web], folders: [b], revisions: [main]}
  - {projects: [all], folders: [c], repositories: [https://git.example.com/a/b], revisions: [main]}
"""


def test_rules_that_hold_for_every_repository_or_revision_are_named(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(RULES)
    settings = environ.read({"HOME": str(tmp_path), "CMP_POLICY": str(path)}, default_deadline=1).settings
    found = {check.subject: check for check in examine(str(tmp_path), settings)}
    assert found["policy"].state == "ok"
    repositories, revisions = found["policy, repositories"], found["policy, revisions"]
    assert (repositories.state, revisions.state) == ("warning", "warning")
    assert repositories.found == f"rules without repositories hold for all: {path}:4 (shop, web)"
    assert revisions.found == f"rules without revisions hold for all: {path}:3 (orders)"
    assert repositories.hint == (
        "list its repositories: else the author of an Application may render a fork with the same folders, with a copy "
        "of another team's encrypted file, wherever the AppProject's sourceRepos let it; "
        '`sourceRepos: ["*"]` lets it anywhere'
    )
    path.write_text(RULES.partition("  - {projects: [orders]")[0] + RULES[RULES.index("  - {projects: [all]") :])
    assert not any(check.subject.startswith("policy,") for check in examine(str(tmp_path), settings))


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
