"""The GitHub action and the GitLab job: their scripts run on pull requests of the example monorepo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import cmp
from examples import chartserver
from tests.support import bare_tools, ci_runner
from tests.support.ci_runner import BY_FORK, Host, Runner, load, pull_request
from tests.support.git_repository import plant_bare_repository
from tests.support.harness import CHECKOUT, DEAD_PROXY, Sandbox, snapshot
from tests.support.servers.charts import ChartRepository
from tests.support.servers.forges import OTHER, PROJECT, TOKEN, Fault, Forge
from tests.support.servers.git import git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.ci_runner import Ended

ACTION, POSTING = "action.yml", "ci/comment/action.yml"
INSTALL = "Install cmp"
PAYMENTS = "namespaces/payments/common-values.yaml"
UNREAD = "2 ApplicationSets not read"
VERDICT = f"Manifest diff: 3 of 3 clusters, 1 app, 2 distinct changes, {UNREAD}"


def new_release(root: Path) -> None:
    """Raise an image, and a number that production sets itself."""
    path = root / PAYMENTS
    text = path.read_text("utf-8").replace("tag: 2.2.0", "tag: 2.3.0").replace("minAvailable: 1", "minAvailable: 2")
    path.write_text(text, "utf-8")


def nothing_that_counts(root: Path) -> None:
    """Write what no manifest has."""
    (root / "README.md").write_text("# Clusters\n")


class World(NamedTuple):
    """An installed cmp, the host of the repository, a forge and the tools, which all jobs of this module share."""

    host: Host
    forge: Forge
    sandbox: Sandbox
    installed: Path

    def runner(self, folder: Path, edit: Callable[[Path], object], base: str = "main") -> Runner:
        """Return a runner with a fresh checkout of a pull request."""
        workspace = self.host.checkout(folder / "workspace", self.host.pull(edit, base))
        runner = Runner(folder, self.sandbox, workspace)
        (runner.temp / "cmp").symlink_to(self.installed)
        return runner

    def act(self, runner: Runner, known: Mapping[str, object] | None = None, **env: str) -> Ended:
        """Run the action; cmp is installed."""
        known = {**pull_request(), **(known or {})}
        return runner.run(
            ACTION, known, INSTALL, **(self.forge.env() | {"GITHUB_REPOSITORY": ci_runner.IN_REPOSITORY} | env)
        )


@pytest.fixture(scope="module")
def charts(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archives = chartserver.package(
        bare_tools.EXAMPLES / "charts", tmp_path_factory.mktemp("archives"), Path(tools_dir) / "helm/3.18.6/helm"
    )
    with ChartRepository(archives) as repository:
        yield repository.url


@pytest.fixture(scope="module")
def installed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the step that installs cmp, with the package index and nothing else, and return where cmp is."""
    folder = tmp_path_factory.mktemp("install")
    workspace = folder / "workspace"
    workspace.mkdir()
    for name in ("pip.py", "venv.py", "json.py"):  # a change may bring such files
        (workspace / name).write_text("raise SystemExit('code of the change was run')\n")
    runner = Runner(folder, Sandbox(folder / "sandbox", tools_dir), workspace)
    runner.env = {name: value for name, value in runner.env.items() if value != DEAD_PROXY}
    only = {each["name"]: each for each in load(ACTION)["runs"]["steps"]}[INSTALL]
    index = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    done = runner.step(only, {}, {"GITHUB_ACTION_PATH": str(CHECKOUT), **index})
    assert done.returncode == 0, done.stdout.decode()
    return runner.temp / "cmp"


@pytest.fixture
def world(charts: str, installed: Path, tools_dir: str, tmp_path: Path) -> Iterator[World]:
    with Forge() as forge:
        yield World(Host(tmp_path, charts), forge, Sandbox(tmp_path / "sandbox", tools_dir), installed)


def test_what_is_installed_is_this_cmp(installed: Path) -> None:
    done = subprocess.run([installed / "bin/cmp", "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"cmp {cmp.__version__}\n"


def test_a_pull_request_gets_its_report(world: World, tmp_path: Path) -> None:
    runner = world.runner(tmp_path / "job", new_release)
    before = snapshot(runner.workspace / "namespaces")
    done = world.act(runner)
    assert done.code == 0, done.log
    assert done.outputs == {"changed": "true", "clusters": "3", "verdict": VERDICT}
    assert done.used == ["actions/cache", "actions/upload-artifact"]
    assert VERDICT in done.log
    assert world.forge.texts == [done.summary]
    assert done.summary.startswith(f"<!-- cmp-diff:default -->\n### {VERDICT}\n")
    assert "(merge base of origin/main)" in done.summary
    assert "MOVED" not in done.summary, "a change of others"
    assert {path.name for path in (runner.temp / "cmp-diff").iterdir()} == {
        "code", "report.html", "report.json", "report.md", "report.txt",
    }  # fmt: skip
    assert git(runner.workspace, "status", "--porcelain") == ""
    assert snapshot(runner.workspace / "namespaces") == before


def test_the_same_result_leaves_the_comment_as_it_is(world: World, tmp_path: Path) -> None:
    runner = world.runner(tmp_path / "job", new_release)
    world.act(runner)
    world.forge.add("looks good", OTHER)
    assert world.act(runner).log.endswith("sticky: the comment says so already\n")
    assert len(world.forge.writes) == 1


def test_a_change_without_effect_gets_no_comment(world: World, tmp_path: Path) -> None:
    done = world.act(world.runner(tmp_path / "job", nothing_that_counts))
    assert done.code == 0, done.log
    verdict = f"Manifest diff: no manifest that was compared changes, {UNREAD}"
    assert done.outputs == {"changed": "false", "clusters": "0", "verdict": verdict}
    assert done.used[-1] == "actions/upload-artifact"
    assert world.forge.texts == []


def test_a_gate_fails_after_the_report_was_posted(world: World, tmp_path: Path) -> None:
    done = world.act(world.runner(tmp_path / "job", new_release), {"inputs.max-clusters": "2"})
    assert done.code == 1
    assert done.outputs["clusters"] == "3"
    assert len(world.forge.texts) == 1


def test_a_pair_that_newly_fails_fails_the_job_after_the_report(world: World, tmp_path: Path) -> None:
    def broken(root: Path) -> None:
        (root / "namespaces/search/templates/broken.yaml").write_text('{{ fail "no" }}\n')

    done = world.act(world.runner(tmp_path / "job", broken))
    assert done.code == 7
    assert "3 new failures" in done.outputs["verdict"]
    assert len(world.forge.texts) == 1


def test_more_options_are_taken_one_a_line(world: World, tmp_path: Path) -> None:
    runner = world.runner(tmp_path / "job", new_release)
    known = {"inputs.arguments": "--compact\n--limit=5000\n", "inputs.scope": "a b"}
    done = world.act(runner, known)
    assert done.summary.startswith("<!-- cmp-diff:a%20b -->\n")
    assert "~ spec.minAvailable" in done.summary


def test_a_configuration_that_is_broken_fails_with_its_error(world: World, tmp_path: Path) -> None:
    done = world.act(world.runner(tmp_path / "job", lambda root: (root / "cmp.yaml").write_text("version: 2\n")))
    assert done.code == 3
    assert "cmp.yaml" in done.log
    assert done.used == ["actions/cache"]
    assert world.forge.requests == []


def test_a_run_that_is_no_pull_request_needs_a_base(world: World, tmp_path: Path) -> None:
    runner = world.runner(tmp_path / "job", new_release)
    push = dict.fromkeys(pull_request(), None) | {"github.base_ref": ""}
    done = world.act(runner, push)
    assert done.code == 2
    assert "this is no pull request: give the action the input base" in done.log
    git(runner.workspace, "fetch", "--quiet", "--unshallow", "origin", "main")
    given = world.act(runner, push | {"inputs.base": git(runner.workspace, "rev-parse", "FETCH_HEAD")})
    assert (given.code, given.outputs["clusters"]) == (0, "3")
    assert world.forge.requests == []


class TestForks:
    @pytest.mark.parametrize("known", [pull_request(BY_FORK), pull_request(actor="dependabot[bot]")])
    def test_nothing_is_posted(self, known: dict[str, object], world: World, tmp_path: Path) -> None:
        done = world.act(world.runner(tmp_path / "job", new_release), known)
        assert done.code == 0, done.log
        assert done.used[-1] == "actions/upload-artifact"
        assert world.forge.requests == []

    def test_they_get_no_keys_whatever_the_workflow_says(self, world: World, tmp_path: Path) -> None:
        known = pull_request(BY_FORK) | {"inputs.keyless": "false"}
        done = world.act(world.runner(tmp_path / "job", new_release), known, SOPS_AGE_KEY_FILE="/nonexistent")
        assert (done.code, done.outputs["verdict"]) == (0, VERDICT)

    def test_others_get_them_where_the_workflow_says_so(self, world: World, tmp_path: Path) -> None:
        runner = world.runner(tmp_path / "job", new_release)
        with_keys = {"inputs.keyless": "false"}
        assert world.act(runner, with_keys, SOPS_AGE_KEY_FILE=str(bare_tools.AGE_KEY)).code == 0
        done = world.act(runner, with_keys, SOPS_AGE_KEY_FILE="/nonexistent")
        assert done.code == 6
        assert done.outputs["verdict"].endswith(f"3 pairs not judged without the key, {UNREAD}")

    def test_what_their_run_left_is_posted_by_another(self, world: World, tmp_path: Path) -> None:
        runner = world.runner(tmp_path / "job", new_release)
        world.act(runner, pull_request(BY_FORK))
        (runner.temp / "cmp-diff").rename(runner.temp / "cmp-diff-of-fork")
        world.forge.pulls = [{"label": "mallory:topic", "number": 5, "head": {"sha": "c0ffee"}}]
        run = "github.event.workflow_run."
        known = {
            f"{run}head_repository.owner.login": "mallory",
            f"{run}head_branch": "topic",
            f"{run}head_sha": "c0ffee",
        }
        done = runner.run(POSTING, known | pull_request(), **(world.forge.env()))
        assert (done.code, done.log) == (0, "sticky: comment added\n")
        assert done.used == ["actions/download-artifact"]
        assert world.forge.texts[0].startswith("<!-- cmp-diff:default -->\n> [!NOTE]\n")


class TestUntrustedTexts:
    def test_no_text_reaches_a_shell(self, world: World, tmp_path: Path) -> None:
        evil = "$(touch${IFS}pwned);`touch${IFS}pwned`"
        runner = world.runner(tmp_path / "job", new_release, base=evil)
        known = pull_request(base=evil) | {"inputs.scope": evil, "inputs.arguments": evil}
        done = world.act(runner, known)
        assert f"({evil})" in done.log, "an argument that cmp does not take"
        assert world.act(runner, known | {"inputs.arguments": ""}).code == 0
        assert not [*tmp_path.rglob("pwned")]

    def test_no_line_of_a_manifest_commands_the_runner(self, world: World, tmp_path: Path) -> None:
        def commanding(root: Path) -> None:
            path = root / "namespaces/policies/default-deny.yaml"
            path.write_text(f"{path.read_text('utf-8')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n"
                            'data:\n  "::set-output name=changed::no": x\n  "::add-mask::e": x\n', "utf-8")  # fmt: skip

        done = world.act(world.runner(tmp_path / "job", commanding))
        lines = [line.strip() for line in done.log.splitlines()]
        opening = next(line for line in lines if line.startswith("::"))
        token = opening.removeprefix("::stop-commands::")
        assert len(token) == 64
        told = lines[lines.index(opening) + 1 : lines.index(f"::{token}::")]
        assert any("::set-output name=changed::no" in line for line in told)
        assert [line for line in lines if line.startswith("::") and line not in told] == [opening, f"::{token}::"]

    def test_modules_in_the_working_directory_are_not_imported(self, world: World, tmp_path: Path) -> None:
        def bringing(root: Path) -> None:
            new_release(root)
            for name in ("json.py", "secrets.py", "cmp.py", "yaml.py", "forges.py"):
                (root / name).write_text("raise SystemExit('code of the change was run')\n")

        done = world.act(world.runner(tmp_path / "job", bringing))
        assert "code of the change was run" not in done.log
        assert done.code == 0


class TestFetchBase:
    @pytest.mark.parametrize("depth", [("--depth=1",), ("--depth=2",), ("--no-tags",)])
    def test_the_merge_base_is_here_afterwards(self, depth: tuple[str, ...], charts: str, tmp_path: Path) -> None:
        host = Host(tmp_path, charts)
        ref = host.pull(new_release)
        for name in (ref, "refs/heads/topic"):
            clone = host.checkout(tmp_path / name, name, *depth)
            fetch_base(clone, "origin", "main")
            expected = git(host.bare, "merge-base", "main", name)
            assert git(clone, "merge-base", "origin/main", "HEAD") == expected

    def test_a_whole_clone_fetches_nothing(self, charts: str, tmp_path: Path) -> None:
        host = Host(tmp_path, charts)
        host.pull(new_release)
        git(tmp_path, "clone", "--quiet", "--branch", "topic", host.url, "clone")
        host.bare.rename(tmp_path / "away")
        fetch_base(tmp_path / "clone", "origin", "main")

    def test_a_fork_asks_the_target(self, charts: str, tmp_path: Path) -> None:
        host = Host(tmp_path, charts)
        host.pull(new_release)
        clone = host.checkout(tmp_path / "clone", "refs/heads/topic")
        git(clone, "remote", "set-url", "origin", "file:///nonexistent")
        fetch_base(clone, "target", "main", host.url)
        assert git(clone, "rev-parse", "target/main") == git(host.bare, "rev-parse", "main")

    def test_strangers_have_no_common_commit(self, charts: str, tmp_path: Path) -> None:
        host = Host(tmp_path, charts)
        git(host.work, "checkout", "--quiet", "--orphan", "stranger")
        git(host.work, "commit", "--quiet", "--message", "alone")
        git(host.work, "push", "--quiet", str(host.bare), "stranger")
        clone = host.checkout(tmp_path / "clone", "refs/heads/stranger")
        said = fetch_base(clone, "origin", "main", code=1)
        assert said == "fetch-base: main and the commit checked out have no common commit\n"

    @pytest.mark.parametrize("is_old", [False, True])
    def test_a_folder_of_the_change_is_no_repository(self, *, is_old: bool, charts: str, tmp_path: Path) -> None:
        host = Host(tmp_path, charts)
        ref = host.pull(lambda root: plant_bare_repository(root / "deploy", f"touch {tmp_path}/ran"))
        clone = host.checkout(tmp_path / "clone", ref)
        path = f"{old_git(tmp_path)}:{os.defpath}" if is_old else os.defpath
        fetch_base(clone / "deploy", "origin", "main", path=path)
        assert git(clone, "rev-parse", "origin/main") == git(host.bare, "rev-parse", "main")
        assert not (tmp_path / "ran").exists()

    def test_without_a_repository_nothing_is_asked(self, tmp_path: Path) -> None:
        plant_bare_repository(tmp_path / "deploy", f"touch {tmp_path}/ran")
        said = fetch_base(tmp_path / "deploy", "origin", "main", code=1)
        assert said == f"fetch-base: there is no Git repository around {tmp_path}/deploy: check out with git\n"
        assert not (tmp_path / "ran").exists()


def old_git(folder: Path) -> Path:
    """Return a folder with a git that does not know `safe.bareRepository`, as those before 2.38: a stand-in."""
    program = folder / "old/git"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nfor word; do\n\tshift\n"
        '\t[ "$word" != safe.bareRepository=explicit ] || word=unknown.key=explicit\n'
        f'\tset -- "$@" "$word"\ndone\nexec {shutil.which("git")} "$@"\n'
    )
    program.chmod(0o755)
    return program.parent


def fetch_base(clone: Path, *arguments: str, code: int = 0, path: str = os.defpath) -> str:
    env = {"PATH": path, "HOME": "/nonexistent"}
    done = subprocess.run(
        ["sh", CHECKOUT / "ci/fetch-base.sh", *arguments],
        cwd=clone,
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, b""), done.stderr.decode()
    return done.stderr.decode()


class TestTools:
    def test_both_sides_pins_are_installed(self, installed: Path, tools_dir: str, tmp_path: Path) -> None:
        root = two_pins(tmp_path, "version: 1\ntools: {helm: 3.14.4}\n")
        done = install_tools(root, installed, tools_dir)
        assert done.returncode == 0, done.stderr.decode()
        assert [line.split()[:2] for line in done.stdout.decode().splitlines() if line.startswith("helm")] == [
            ["helm", "4.0.0"],
            ["helm", "3.14.4"],
        ]
        assert git(root, "status", "--porcelain") == ""

    def test_a_base_that_is_broken_can_be_repaired(self, installed: Path, tools_dir: str, tmp_path: Path) -> None:
        root = two_pins(tmp_path, "version: 0\n")
        done = install_tools(root, installed, tools_dir)
        assert done.returncode == 0
        assert done.stderr.decode().endswith("tools: the base is not complete, see above\n")

    def test_a_folder_of_the_change_is_no_repository(self, installed: Path, tools_dir: str, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        root = two_pins(tmp_path / "root", "version: 1\n", folder="deploy")
        plant_bare_repository(root / "deploy", f"touch {tmp_path}/ran")
        done = install_tools(root / "deploy", installed, tools_dir)
        assert done.returncode == 0, done.stderr.decode()
        assert not (tmp_path / "ran").exists()

    def test_a_folder_that_is_new_has_no_base(self, installed: Path, tools_dir: str, tmp_path: Path) -> None:
        root = two_pins(tmp_path, "version: 1\n", folder="new")
        done = install_tools(root / "new", installed, tools_dir)
        assert (done.returncode, done.stderr) == (0, b"")


def two_pins(root: Path, base: str, folder: str = ".") -> Path:
    """Write a repository whose `main` has one cmp.yaml, and whose checkout has helm 4.0.0 in a folder."""
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "cmp.yaml").write_text(base)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "one")
    git(root, "checkout", "--quiet", "-b", "topic")
    (root / folder / "clusters/dev/shop").mkdir(parents=True)
    (root / folder / "clusters/dev/shop/values.yaml").write_text("")
    (root / folder / "cmp.yaml").write_text("version: 1\ntools: {helm: 4.0.0}\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "two")
    return root


def install_tools(folder: Path, installed: Path, tools_dir: str) -> subprocess.CompletedProcess[bytes]:
    env = {"PATH": f"{installed}/bin:{os.defpath}", "HOME": "/nonexistent", "CMP_TOOLS_DIR": tools_dir}
    env |= {"HTTPS_PROXY": DEAD_PROXY, "https_proxy": DEAD_PROXY}
    return subprocess.run(
        ["sh", CHECKOUT / "ci/tools.sh", "main"], cwd=folder, env=env, capture_output=True, timeout=60, check=False
    )


class TestSummary:
    def test_a_comment_that_was_cut_is_followed_by_everything(self, tmp_path: Path) -> None:
        done = summary(tmp_path, "cut: **1 more group: see the job summary or the HTML page.**\n", "a\n````\nb\n")
        assert done.endswith("page.**\n\n#### Everything\n\n`````text\na\n````\nb\n\n`````\n")

    def test_it_is_never_longer_than_github_takes(self, tmp_path: Path) -> None:
        done = summary(tmp_path, "see the job summary or the HTML page", "あ" * 1_000_000)
        assert 999_990 < len(done.encode()) <= 1_000_000
        assert done.endswith("あ\n```\n")


def summary(folder: Path, markdown: str, text: str) -> str:
    """Run the script with these views and return what it adds to the summary."""
    views = {
        "report.md": markdown,
        "report.txt": text,
        "report.json": '{"judgement": {"has_changes": false, "clusters": []}}',
    }
    for name, content in views.items():
        (folder / name).write_text(content, "utf-8")
    env = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    subprocess.run([sys.executable, "-Es", CHECKOUT / "ci/outcome.py", folder], env=env, check=True, timeout=60)
    return (folder / "summary").read_text("utf-8")


class TestGitLab:
    def run(self, world: World, folder: Path, **variables: str) -> tuple[int, str]:
        """Run the job's script in a clone as GitLab's runner makes it, and return the exit code and the log."""
        job = load("ci/gitlab.yml")["cmp-diff"]
        if not folder.exists():
            world.host.pull(new_release)
            git(folder.parent, "clone", "--quiet", "--branch", "topic", world.host.url, folder.name)
        temp = folder.parent / "temp"
        temp.mkdir(exist_ok=True)
        env = {
            **ci_runner.without_cmp(world.sandbox),
            "TMPDIR": str(temp),
            "PATH": f"{world.installed}/bin:{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "CI_API_V4_URL": world.forge.url,
            "CI_PROJECT_DIR": str(folder),
            "CI_PROJECT_ID": PROJECT,
            "CI_MERGE_REQUEST_PROJECT_ID": PROJECT,
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": PROJECT,
            "CI_MERGE_REQUEST_PROJECT_URL": str(world.host.url).removesuffix(".git"),
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_IID": "5",
            **{name: value for name, value in job["variables"].items() if not name.endswith("_DIR")},
            "CMP_CI": str(CHECKOUT / "ci"),
            **variables,
        }
        done = subprocess.run(
            ["sh", "-c", "\n".join(job["script"])],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def test_a_merge_request_gets_one_note(self, world: World, tmp_path: Path) -> None:
        folder = tmp_path / "clone"
        code, log = self.run(world, folder, CMP_GITLAB_TOKEN=TOKEN)
        assert code == 0, log
        assert VERDICT in log
        assert world.forge.texts == [(folder / "cmp-diff/report.md").read_text("utf-8")]
        code, log = self.run(world, folder, CMP_GITLAB_TOKEN=TOKEN)
        assert log.endswith("sticky: the comment says so already\n")
        assert "not committed" not in log, "the job's own files"

    def test_without_a_token_the_report_is_an_artifact(self, world: World, tmp_path: Path) -> None:
        code, log = self.run(world, tmp_path / "clone", CMP_DIFF_OPTIONS="--max-clusters 2 --scope *")
        assert code == 1, log
        assert log.endswith("there is no CMP_GITLAB_TOKEN, so no note: the report is in the artifacts\n")
        assert (tmp_path / "clone/cmp-diff/report.md").read_text("utf-8").startswith("<!-- cmp-diff:%2A -->\n")
        assert load("ci/gitlab.yml")["cmp-diff"]["artifacts"]["paths"] == ["cmp-diff/"]
        assert world.forge.requests == []

    def test_a_fork_compares_with_the_target_and_has_no_keys(self, world: World, tmp_path: Path) -> None:
        code, log = self.run(
            world, tmp_path / "clone", CI_PROJECT_ID="66", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="66", CMP_KEYLESS="false"
        )
        assert code == 0, log
        assert VERDICT in log
        assert "(merge base of target/main)" in log

    def test_the_charts_lie_outside_of_the_checkout_and_are_kept_in_it(self, world: World, tmp_path: Path) -> None:
        folder = tmp_path / "clone"
        for _ in range(2):
            code, log = self.run(world, folder)
            assert code == 0, log
            assert (folder / ".cmp-charts/CACHEDIR.TAG").is_file()
        assert git(folder, "status", "--porcelain") == ""
        assert {path.name for path in (tmp_path / "temp").iterdir()} == set()

    def test_charts_that_the_branch_brings_are_refused(self, world: World, tmp_path: Path) -> None:
        def bringing(root: Path) -> None:
            (root / ".CMP-charts/archives").mkdir(parents=True)
            (root / ".CMP-charts/archives/x").write_text("x")

        world.host.pull(bringing)
        git(tmp_path, "clone", "--quiet", "--branch", "topic", world.host.url, "clone")
        code, log = self.run(world, tmp_path / "clone")
        assert (code, log) == (
            3,
            "Git has files in .cmp-charts, where this job keeps charts of others: remove them (git rm -r --cached)\n",
        )

    def test_a_note_that_cannot_be_written_fails_the_job(self, world: World, tmp_path: Path) -> None:
        world.forge.faults.append(Fault("GET", 403))
        code, log = self.run(world, tmp_path / "clone", CMP_GITLAB_TOKEN=TOKEN)
        assert code == 1
        assert "STICKY_TOKEN must be a token of the target project" in log


class TestTheFiles:
    @pytest.mark.parametrize("path", [ACTION, POSTING])
    def test_scripts_hold_no_expression_and_isolate_python(self, path: str) -> None:
        for step in load(path)["runs"]["steps"]:
            script = step.get("run", "")
            assert "${{" not in script
            assert len(re.findall(r"\bpython3 ", script)) == len(re.findall(r"\bpython3 -(?:I|Es) ", script))

    @pytest.mark.parametrize("path", [ACTION, POSTING, ".github/workflows/test.yml"])
    def test_other_actions_are_pinned_by_commit(self, path: str) -> None:
        used = re.findall(r"uses: (.+)", (CHECKOUT / path).read_text("utf-8"))
        assert used
        assert [line for line in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []

    @pytest.mark.parametrize("path", [ACTION, POSTING])
    def test_each_input_is_described_and_used(self, path: str) -> None:
        text = (CHECKOUT / path).read_text("utf-8")
        for name, each in load(path)["inputs"].items():
            assert each["description"]
            assert re.search(rf"(\$\{{\{{ |if: >-\s+)inputs\.{name}\b", text), name

    def test_the_outputs_are_those_that_the_script_writes(self) -> None:
        for name, each in load(ACTION)["outputs"].items():
            assert each["value"] == f"${{{{ steps.outcome.outputs.{name} }}}}"

    def test_scripts_are_posix_and_can_be_run(self) -> None:
        for path in [*(CHECKOUT / "ci").glob("*.sh"), CHECKOUT / "ci/sticky.py", CHECKOUT / "ci/outcome.py"]:
            assert os.access(path, os.X_OK)
        for path in (CHECKOUT / "ci").glob("*.sh"):
            subprocess.run(["sh", "-n", path], check=True)

    def test_the_job_of_gitlab_is_one_job(self) -> None:
        jobs = load("ci/gitlab.yml")
        assert [*jobs] == ["cmp-diff"]
        assert jobs["cmp-diff"]["artifacts"]["expose_as"]
