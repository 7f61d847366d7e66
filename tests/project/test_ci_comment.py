"""ci/sticky.py as a process, against a server that keeps comments as GitHub and GitLab do."""

from __future__ import annotations

import html
import importlib
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.harness import CHECKOUT, fork_server
from tests.support.servers.forges import GITHUB_LIST, GITLAB_LIST, NUMBER, OTHER, TOKEN, Fault, Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARKER = "<!-- cmp-diff:default -->"
TEXT = f"{MARKER}\n### Manifest diff: 3 clusters, 1 app\n\n返品率\n"
SCRIPT = str(CHECKOUT / "ci/sticky.py")
AS_SCRIPT = f"""\
import os, runpy, sys
sys.argv[0] = {SCRIPT!r}
sys.path.insert(0, os.path.dirname({SCRIPT!r}))
runpy.run_path({SCRIPT!r}, run_name="__main__")
"""
FORGES = ("github", "gitlab")
SOON = (("Retry-After", "0"),)
LISTS = {"github": GITHUB_LIST, "gitlab": GITLAB_LIST}
HINTS = {
    "github": "the job needs `permissions: pull-requests: write`; the token of a fork's run never has it: "
    "see docs/preview.md, Pull requests of forks",
    "gitlab": "STICKY_TOKEN must be a token of the target project with the scope api and at least the role Reporter",
}
QUIET = {"judgement": {"is_silent": True}}
LOUD = {"judgement": {"is_silent": False}}


class Job(NamedTuple):
    """A job of one forge: its folder with the report, and where it runs."""

    name: str
    forge: Forge
    folder: Path

    def report(self, text: str, found: object = LOUD) -> None:
        """Write a report."""
        (self.folder / "report.md").write_text(text, "utf-8", newline="\n")
        (self.folder / "report.json").write_text(json.dumps(found))

    def post(self, *arguments: str, code: int = 0, is_alone: bool = False, **env: str) -> str:
        """Run the script and return what it says: in a process of the fork server, or as a job does, alone."""
        argv = [self.name, str(self.folder), *(arguments or ("--number", NUMBER))]
        environment = {**self.forge.env(), **env}
        if is_alone:
            done = subprocess.run(
                [sys.executable, "-Es", SCRIPT, *argv],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                timeout=60,
                check=False,
            )
        else:
            done = fork_server().run(argv, cwd=self.folder, env=environment, timeout=60, code=AS_SCRIPT)
        assert (done.returncode, done.stdout) == (code, b""), done.stderr.decode()
        return done.stderr.decode().removesuffix("\n")


@pytest.fixture(params=FORGES)
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Job]:
    with Forge() as forge:
        job = Job(request.param, forge, tmp_path)
        job.report(TEXT)
        yield job


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Job]:
    with Forge() as forge:
        job = Job("github", forge, tmp_path)
        job.report(TEXT)
        yield job


def test_one_comment_is_added_kept_and_updated(job: Job) -> None:
    job.forge.add("a word before", OTHER)
    assert job.post(is_alone=True) == "sticky: comment added"
    assert job.forge.texts == ["a word before", TEXT]
    assert job.post() == "sticky: the comment says so already"
    assert len(job.forge.writes) == 1
    job.report(TEXT.replace("3", "4"))
    assert job.post() == "sticky: comment updated"
    assert job.forge.texts == ["a word before", TEXT.replace("3", "4")]


@pytest.mark.parametrize("later", [0, 99, 250])
def test_the_comment_is_found_on_every_page(later: int, job: Job) -> None:
    job.forge.add("the first", OTHER)
    job.forge.add(f"{MARKER}\nold")
    for _ in range(later):
        job.forge.add("talk", OTHER)
    assert job.post() == "sticky: comment updated"
    assert job.forge.texts == ["the first", TEXT, *["talk"] * later]


def test_a_page_may_be_shorter_than_was_asked_for(job: Job) -> None:
    job.forge.largest_page = 2
    for _ in range(5):
        job.forge.add("talk", OTHER)
    job.forge.add(TEXT)
    for _ in range(5):
        job.forge.add("talk", OTHER)
    assert job.post() == "sticky: the comment says so already"


@pytest.mark.parametrize(
    ("text", "author"),
    [
        (f"{MARKER}\nmine now", OTHER),
        ("<!-- cmp-diff:other -->\nof another job", None),
        (f"> {MARKER}\nquoted", None),
        (f"see\n{MARKER}\n", None),
        ("", None),
    ],
)
def test_other_comments_are_left_alone(text: str, author: str | None, job: Job) -> None:
    job.forge.add(text, *([author] if author else []))
    assert job.post() == "sticky: comment added"
    assert job.forge.texts == [text, TEXT]
    assert job.forge.writes == [f"POST {LISTS[job.name]}"]


def test_an_account_that_is_gone_has_written_nothing_of_ours(github: Job) -> None:
    github.forge.add(TEXT, "")
    assert github.post() == "sticky: comment added"


def test_line_ends_of_the_forge_are_no_difference(job: Job) -> None:
    job.forge.add(TEXT.replace("\n", "\r\n").strip())
    assert job.post() == "sticky: the comment says so already"


def test_a_report_with_nothing_to_say_adds_no_comment_and_corrects_one(job: Job) -> None:
    job.report(TEXT, QUIET)
    assert job.post() == "sticky: nothing to say, and no comment that says otherwise"
    assert job.forge.comments == []
    job.forge.add(f"{MARKER}\n3 clusters change")
    assert job.post() == "sticky: comment updated"
    assert job.forge.texts == [TEXT]


def test_what_is_worth_a_comment(github: Job) -> None:
    github.report(TEXT, LOUD)
    assert github.post() == "sticky: comment added"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_fault_that_passes_is_tried_again(status: int, job: Job) -> None:
    job.forge.faults += [Fault("GET", status, SOON)] * 2 + [Fault("POST", status, SOON, LISTS[job.name])]
    assert job.post().endswith("; trying again\nsticky: comment added")
    assert job.forge.texts == [TEXT]


def test_a_comment_whose_answer_was_lost_is_not_added_twice(job: Job) -> None:
    job.forge.faults.append(Fault("POST", 502, SOON, LISTS[job.name], is_done=True))
    assert job.post() == (
        f"sticky: POST {LISTS[job.name]}: HTTP 502 Bad Gateway; trying again\nsticky: the comment says so already"
    )
    assert job.forge.texts == [TEXT]


def test_a_server_that_stays_down_is_an_error(job: Job) -> None:
    job.forge.faults += [Fault("GET", 503, SOON)] * 4
    said = job.post(code=1).splitlines()
    assert said[-1] == (
        f"sticky: the comment could not be written: GET {LISTS['github']}?per_page=100&page=1: "
        "HTTP 503 Service Unavailable"
        if job.name == "github"
        else "sticky: the comment could not be written: GET /user: HTTP 503 Service Unavailable"
    )
    assert len(said) == 4
    assert job.forge.comments == []


def test_a_host_that_does_not_answer_is_an_error(github: Job) -> None:
    said = github.post(code=1, GITHUB_GRAPHQL_URL="http://127.0.0.1:9/graphql")
    assert said.endswith("POST /graphql: <urlopen error [Errno 111] Connection refused>")


def test_githubs_limit_that_is_soon_over_is_waited_for(github: Job) -> None:
    past = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1"))
    github.forge.faults += [Fault("GET", 403, past)]
    assert github.post().endswith("HTTP 403 Forbidden; trying again\nsticky: comment added")


def test_a_long_limit_is_not_waited_for(job: Job) -> None:
    job.forge.faults += [Fault("GET", 429, (("Retry-After", "3600"),))]
    assert job.post(code=1).endswith("HTTP 429 Too Many Requests, and 3600 s to wait")


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (404, "Not Found"), (401, "Unauthorized")])
def test_a_token_that_may_not_says_what_is_needed(status: int, reason: str, job: Job) -> None:
    job.forge.faults += [Fault("GET", status)]
    path = "/user" if job.name == "gitlab" else f"{GITHUB_LIST}?per_page=100&page=1"
    assert job.post(code=1) == (
        f"sticky: the comment could not be written: GET {path}: HTTP {status} {reason}\n  hint: {HINTS[job.name]}"
    )
    assert len(job.forge.writes) == 0


def test_another_refusal_is_no_question_of_permission(job: Job) -> None:
    job.forge.add(f"{MARKER}\nold")
    job.forge.faults += [Fault("PATCH" if job.name == "github" else "PUT", 422)]
    assert job.post(code=1).endswith("HTTP 422 Unprocessable Entity")


def test_the_token_stays_with_its_host(job: Job) -> None:
    with Forge() as elsewhere:
        job.forge.faults += [Fault("GET", 302, (("Location", f"{elsewhere.url}/user"),))]
        assert "HTTP 401" in job.post(code=1)
        assert elsewhere.tokens == [""]
    assert TOKEN in job.forge.tokens[0]


def test_what_lies_in_the_working_directory_is_not_imported(github: Job) -> None:
    for name in ("json.py", "forges.py", "argparse.py"):
        (github.folder / name).write_text("raise SystemExit('code of the change was run')\n")
    assert github.post(is_alone=True, PYTHONPATH=str(github.folder)) == "sticky: comment added"


@pytest.mark.parametrize("text", ["", "### no marker\n", MARKER, f"{MARKER} and more\n", "<!-- cmp-diff:a b -->\n"])
def test_what_is_no_report_is_not_posted(text: str, job: Job) -> None:
    job.report(text)
    assert job.post(code=1) == (
        f"sticky: the comment could not be written: {job.folder}/report.md is no report of cmp diff: "
        "it does not start with its marker"
    )
    assert job.forge.requests == []


@pytest.mark.parametrize("found", [[], {}, {"judgement": 1}, {"judgement": [1]}])
def test_a_report_that_is_no_json_of_ours_is_not_posted(found: object, github: Job) -> None:
    github.report(TEXT, found)
    assert github.post(code=1).endswith(f"{github.folder}/report.json is no report of cmp diff")


def test_a_report_that_is_missing_is_an_error(github: Job) -> None:
    (github.folder / "report.md").unlink()
    assert "cannot read the report" in github.post(code=1)


def test_a_report_that_is_too_long_is_not_cut_somewhere(github: Job) -> None:
    github.report(f"{MARKER}\n{'あ' * 65_536}")
    assert github.post(code=1).endswith("report.md is too long for a comment: more than 65536 characters")


class TestOfAFork:
    ARGUMENTS = ("--foreign", "--head", "mallory:topic", "--commit", "c0ffee" * 6)

    def test_the_pull_request_is_found_by_branch_and_commit(self, github: Job) -> None:
        github.forge.pulls = [
            {"label": "other:topic", "number": 4, "head": {"sha": "c0ffee" * 6}},
            {"label": "mallory:topic", "number": 5, "head": {"sha": "c0ffee" * 6}},
        ]
        assert github.post(*self.ARGUMENTS) == "sticky: comment added"
        assert f"POST {GITHUB_LIST}" in github.forge.requests

    def test_a_report_of_an_older_commit_is_not_posted(self, github: Job) -> None:
        github.forge.pulls = [{"label": "mallory:topic", "number": 5, "head": {"sha": "decade" * 6}}]
        assert github.post(*self.ARGUMENTS) == (
            "sticky: no open pull request has mallory:topic at c0ffeec0ffee: a newer run will tell"
        )
        assert github.forge.writes == []

    def test_its_text_calls_nobody_and_says_where_it_comes_from(self, github: Job) -> None:
        github.forge.pulls = [{"label": "mallory:topic", "number": 5, "head": {"sha": "c0ffee" * 6}}]
        github.report(f"{MARKER}\n### ask @platform/leads about #12 and o/r#7 (a@b)\n")
        assert github.post(*self.ARGUMENTS) == "sticky: comment added"
        assert github.forge.texts[0].splitlines() == [
            MARKER,
            "> [!NOTE]",
            "> This comes from a run that the author of the pull request controls. Trust it as you trust them.",
            "",
            "### ask @\u2060platform/leads about #\u206012 and o/r#\u20607 (a@\u2060b)",
        ]
        assert github.post(*self.ARGUMENTS) == "sticky: the comment says so already"

    @pytest.mark.parametrize(
        "spelled",
        [
            *("&#64;team", "&#x40;team", "&#X40;team", "&commat;team", "&#64team", "&#x40team", "&#0064;team"),
            *("@&#116;eam", "&#64;&#116;eam", "@<!-- -->team", "&num;12", "#&#49;2", "&#35;&#49;2", "#<!-- -->12"),
            *("GH-12", "gh-&#49;2", "&#71;H-12", "GH&#45;12", "!5", "&excl;5", "&#33;5", "!&#53;"),
            *("~bug", '~"a bug"', "&#126;bug", "%v1", "&percnt;v1", "$5", "&dollar;5", "&5", "&amp;5", "&#38;5"),
            *("https://github.com/o/r/issues/5", "http://h/o/r/-/merge_requests/5", "//h/o/r/pull/&#53;"),
        ],
    )
    def test_no_spelling_calls_or_refers(self, spelled: str, inert: Callable[[str], str]) -> None:
        assert calls(spelled)
        assert not calls(inert(f"see {spelled}"))

    def test_what_calls_nobody_is_read_as_before(self, inert: Callable[[str], str]) -> None:
        text = "### 3 of 3 clusters\n\n| a | `b` |\n```diff\n+ a: 100% & more!\n```\n[x](#y) R&D\n"
        assert inert(text) == text


@pytest.fixture
def inert(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return the function of the script that makes a text harmless."""
    monkeypatch.syspath_prepend(CHECKOUT / "ci")
    found: Callable[[str], str] = importlib.import_module("sticky").inert
    return found


def calls(text: str) -> bool:
    """Return whether the text that a browser shows has a mention, or what a forge makes a reference of."""
    shown = html.unescape(re.sub(r"<!--.*?-->|<[^>]*>", "", text))
    address = r"/(?:issues|pull|merge_requests)/\d"
    return re.search(rf'(?i)@\w|#\d|\bgh-\d|[!$&]\d|[~%][\w"]|{address}', shown) is not None
