"""Attempts of charts and other sources of manifests to get out: files, other renders, hosts; on three kernels.

Each attempt ends with a refusal, or learns nothing.  Where a template cannot even try something (a signal), a program
in the place of the tool does, behind the very wall of that tool.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import socket
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import versions
from tests.support.charts import HELMS
from tests.support.helmfile import ENDS as HELMFILES
from tests.support.helmfile import chart
from tests.support.kustomize import ENDS as KUSTOMIZES
from tests.support.kustomize import NEWEST as NEWEST_KUSTOMIZE
from tests.support.old_kernels import KERNELS, NO_TCP, NONE, NOW, on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

KEY = "AGE-SECRET-KEY-OF-ANOTHER"
# Of a schema: the kernel's word, or that of a look at it before helm starts.
SCHEMA = r"open \S+: permission denied|values\.schema\.json"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


class Outside(NamedTuple):
    """The targets that must be out of reach: a file, a pipe of another process, a web server, an abstract socket."""

    file: str
    pipe: str
    url: str
    port: int
    abstract: str
    reader: int
    requests: list[str]

    def is_untouched(self) -> bool:
        """Return whether nobody asked the server, and the pipe still holds what was written."""
        held = os.read(self.reader, 100)
        return held == KEY.encode() and self.requests == []


@contextmanager
def something_outside(folder: Path) -> Iterator[Outside]:
    file = folder / "keys.txt"
    file.write_text(KEY)
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ExitStack() as stack:
        server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + (name := f"cmp-{os.urandom(8).hex()}"))
        abstract.listen()
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        stack.callback(os.close, writer)
        os.write(writer, KEY.encode())
        os.set_blocking(reader, False)
        port = server.server_address[1]
        pipe = f"/proc/{os.getpid()}/fd/{reader}"
        yield Outside(str(file), pipe, f"http://127.0.0.1:{port}/latest", port, name, reader, requests)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    with something_outside(tmp_path) as found:
        yield found


class Repository:
    """A repository whose application `app` runs on the cluster `dev`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        self.write({"../../.git/config": "[http] extraheader = a token\n", "../../clusters/dev/app/.keep": ""})

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the application."""
        for name, text in files.items():
            path = (self.root / "namespaces/app" / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def render(self, kernel: int, *options: str, more: str = "") -> Ran:
        """Run `cmp render` on a kernel."""
        argv = ("render", "app", "--cluster", "dev", *options)
        return on(kernel, self.sandbox, more).run(*argv, cwd=self.root)

    def learns_nothing(self, outside: Outside, kernel: int, said: str, *options: str) -> None:
        """Render, which must fail for the reason `said`, a pattern, and without a word of what lies outside."""
        ran = self.render(kernel, *options)
        assert (ran.code != 0, ran.stdout) == (True, ""), ran.stdout
        assert re.search(said, ran.stderr), ran.stderr
        assert KEY[:4] not in ran.stderr.replace(outside.file, "")
        assert "invalid character" not in ran.stderr  # how helm tells the first letter of what it read
        assert outside.is_untouched()


@pytest.fixture
def repository(sandbox: Sandbox) -> Repository:
    return Repository(sandbox)


# What files of an application can try


def schemas(outside: Outside) -> dict[str, str]:
    """Return a chart with a subchart for each way that a schema can try."""
    ways = {"file": f"file://{outside.file}", "pipe": f"file://{outside.pipe}", "host": outside.url}
    subcharts = {
        f"charts/{name}/{file}": text
        for name, target in ways.items()
        for file, text in (
            ("Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n"),
            ("values.schema.json", json.dumps({"$ref": target})),
        )
    }
    return {
        "Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
        "values.yaml": "",
        "templates/map.yaml": CONFIG_MAP % "app",
        **subcharts,
    }


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("version", HELMS)
def test_a_schema_leads_nowhere(repository: Repository, outside: Outside, version: str, kernel: int) -> None:
    repository.write(schemas(outside))
    repository.learns_nothing(outside, kernel, SCHEMA, "--helm-version", version)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("version", ["4.5.7", NEWEST_KUSTOMIZE])
def test_a_schema_of_a_chart_in_a_kustomization_leads_nowhere(
    repository: Repository, outside: Outside, version: str, kernel: int
) -> None:
    repository.write({f"charts/probe/{name}": text for name, text in schemas(outside).items()})
    repository.write(
        {
            "kustomization.yaml": "helmCharts: [{name: probe, releaseName: probe}]\n",
            "cmp-app.yaml": "kustomize: {enableHelm: true}\n",
        }
    )
    helms = versions.HELM if version == NEWEST_KUSTOMIZE else [one for one in versions.HELM if one.startswith("3.")]
    repository.learns_nothing(outside, kernel, SCHEMA, "--kustomize-version", version, "--helm-version", helms[-1])


@pytest.mark.parametrize("kernel", [NOW, NO_TCP])
@pytest.mark.parametrize(("helmfile", "helm"), HELMFILES)
def test_a_schema_of_a_chart_in_a_helmfile_leads_nowhere(
    repository: Repository, outside: Outside, helmfile: str, helm: str, kernel: int
) -> None:
    repository.write({f"charts/probe/{name}": text for name, text in schemas(outside).items()})
    repository.write({"helmfile.yaml": "releases: [{name: probe, chart: ./charts/probe}]\n"})
    said = SCHEMA if kernel == NOW else "kernel without Landlock for TCP"
    repository.learns_nothing(outside, kernel, said, "--helmfile-version", helmfile, "--helm-version", helm)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("way", ["file", "pipe", "host"])
def test_a_reference_of_vals_that_a_template_makes_leads_nowhere(
    repository: Repository, outside: Outside, way: str, kernel: int
) -> None:
    """No look at the text of the helmfile finds it."""
    targets = {
        "file": f"file://{outside.file}",
        "pipe": f"file://{outside.pipe}",
        "host": f"httpjson://127.0.0.1:{outside.port}/latest?insecure=true#/a",
    }
    repository.write(chart())
    repository.write(
        {
            "helmfile.yaml": "releases: [{name: web, chart: ./charts/web, values: [web.yaml.gotmpl]}]\n",
            "web.yaml.gotmpl": '{{ $r := "ref" }}a: {{ $r }}+' + targets[way] + "\n",
        }
    )
    said = r"expand \S+: .*permission denied" if kernel == NOW else "helmfile on a kernel without Landlock"
    repository.learns_nothing(outside, kernel, said)


@pytest.mark.parametrize("version", KUSTOMIZES)
@pytest.mark.parametrize("way", ["file", "pipe", "link", "host"])
def test_a_kustomization_leads_nowhere(repository: Repository, outside: Outside, version: str, way: str) -> None:
    """Its files are looked at: that needs no wall."""
    text, said = {
        "file": (f"resources: [{outside.file}]\n", "which leads outside the source tree"),
        "pipe": (
            f"configMapGenerator: [{{name: x, files: [x={outside.pipe}]}}]\n",
            "which leads outside the source tree",
        ),
        "link": ("configMapGenerator: [{name: x, files: [link]}]\n", "leads outside the source tree"),
        "host": (f"resources: ['{outside.url}/base?ref=v1.0.0']\n", "policy lists its host"),
    }[way]
    repository.write({"kustomization.yaml": text})
    if way == "link":
        (repository.root / "namespaces/app/link").symlink_to(outside.file)
    repository.learns_nothing(outside, NONE, said, "--kustomize-version", version)


@pytest.mark.parametrize("kernel", [NOW, NONE])
@pytest.mark.parametrize("way", ["file", "pipe", "link"])
def test_a_cue_package_leads_nowhere(repository: Repository, outside: Outside, way: str, kernel: int) -> None:
    embedded, said = {
        "file": (outside.file, "only relative files are allowed"),
        "pipe": (outside.pipe, "only relative files are allowed"),
        "link": ("link.txt", "leads outside the source tree"),
    }[way]
    text = f'x: _ @embed(file="{embedded}", type=text)\n'
    head = "@extern(embed)\npackage app\n"
    objects = 'objects: [{apiVersion: "v1", kind: "ConfigMap", metadata: name: "x", data: x: "\\(x)"}]\n'
    repository.write({"../../cue.mod/module.cue": 'module: "example.com/x"\nlanguage: version: "v0.14.0"\n'})
    repository.write({"app.cue": head + text + objects})
    if way == "link":
        (repository.root / "namespaces/app/link.txt").symlink_to(outside.file)
    repository.learns_nothing(outside, kernel, said)


@pytest.mark.parametrize("version", HELMS)
def test_a_chart_with_a_schema_of_its_own_and_a_name_of_a_host_is_rendered(
    repository: Repository, version: str
) -> None:
    """Without --enable-dns no name is looked up; with it, a wall that shows the resolver's files does not hinder it."""
    repository.write(
        {
            "Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
            "values.schema.json": json.dumps(
                {"definitions": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/a"}}}
            ),
            "common-values.yaml": "a: b\n",
            "templates/map.yaml": CONFIG_MAP % "app" + 'data: {host: {{ getHostByName "localhost" | quote }}}\n',
        }
    )
    assert 'data: {host: ""}' in repository.render(NOW, "--helm-version", version).stdout
    policy = repository.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\nflags: {helm: [--enable-dns]}\n")
    repository.write({"cmp-app.yaml": "helm: {extraFlags: [--enable-dns]}\n"})
    repository.sandbox.extra["CMP_POLICY"] = str(policy)
    printed = repository.render(NOW, "--helm-version", version).stdout
    assert 'data: {host: "127.0.0.1"}' in printed or 'data: {host: "::1"}' in printed


# What a program could try in the place of a tool

PROBER = """\
import json, os, socket, subprocess, sys
ways = json.loads(sys.argv[1])
def opened(path): os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
def connected(family, address): socket.socket(family).connect(address)
tries = {
    "the file": lambda: opened(ways["file"]),
    "/etc/passwd": lambda: opened("/etc/passwd"),
    "the token in .git": lambda: opened(ways["git"]),
    "a file of the tree": lambda: opened(ways["tree"]),
    "a pipe of another": lambda: opened(ways["pipe"]),
    "the environment of another": lambda: opened("/proc/%s/environ" % ways["pid"]),
    "a program": lambda: subprocess.check_call(["/bin/true"]),
    "TCP": lambda: connected(socket.AF_INET, ("127.0.0.1", ways["port"])),
    "an abstract socket": lambda: connected(socket.AF_UNIX, "\\0" + ways["abstract"]),
    "a signal": lambda: os.kill(int(ways["pid"]), 0),
}
reached = []
for name, attempt in tries.items():
    try:
        attempt()
    except PermissionError:
        continue
    reached.append(name)
print("apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: x}\\ndata: {reached: '%s'}" % json.dumps(reached))
"""
# Runs the prober in the place of the program whose label begins with `label`, behind its wall, with Python in it.
SWITCHED = """\
import os, sys
from cmp.system import process
python, library = os.path.realpath(sys.executable), os.path.dirname(os.path.dirname(os.__file__))
started = process.spawn
def spawn(command, *streams):
    if command.label.startswith({label!r}):
        access = command.access
        access = access._replace(programs=(*access.programs, python), reads=(*access.reads, library))
        command = command._replace(argv=(python, "-I", "-S", "-c", {code!r}, {ways!r}), access=access)
    return started(command, *streams)
process.spawn = spawn
"""
HOSTS, OTHERS = {"TCP"}, {"an abstract socket", "a signal"}
FILES = {"the file", "/etc/passwd", "the token in .git", "a pipe of another", "the environment of another", "a program"}
TREE = {"a file of the tree"}
APPS = {
    "helm template": {"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n"},
    "kustomize build": {"kustomization.yaml": "resources: [map.yaml]\n", "map.yaml": CONFIG_MAP % "x"},
    "helmfile template": {**chart(), "helmfile.yaml": "releases: [{name: web, chart: ./charts/web}]\n"},
    "cue export": {"app.cue": 'package app\nobjects: [{apiVersion: "v1", kind: "ConfigMap", metadata: name: "x"}]\n'},
}
SEES_TREE = ("kustomize build", "cue export")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("label", APPS)
def test_a_program_reaches_what_its_wall_shows(
    repository: Repository, outside: Outside, label: str, kernel: int
) -> None:
    repository.write(APPS[label])
    if label.startswith("helmfile") and kernel != NOW:
        policy = repository.sandbox.folder / "policy.yaml"
        features = "ref: true" if kernel == NO_TCP else "ref: true, exec: true"  # or such a kernel runs none
        policy.write_text(f"version: 1\nhelmfile: {{{features}}}\n")
        repository.sandbox.extra["CMP_POLICY"] = str(policy)
    ways = {
        "file": outside.file,
        "pipe": outside.pipe,
        "port": outside.port,
        "abstract": outside.abstract,
        "git": str(repository.root / ".git/config"),
        "tree": str(repository.root / "clusters/dev/app/.keep"),
        "pid": str(os.getpid()),
    }
    ran = repository.render(kernel, more=SWITCHED.format(label=label, code=PROBER, ways=json.dumps(ways)))
    assert ran.code == 0, ran.stderr
    reached = set(json.loads(ran.stdout.partition("'")[2].partition("'")[0]))
    shown = TREE if label in SEES_TREE else set()
    want = {NOW: shown, NO_TCP: shown | HOSTS | OTHERS, NONE: FILES | TREE | HOSTS | OTHERS}
    assert reached == want[kernel]
