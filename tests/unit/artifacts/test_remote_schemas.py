"""Remote schemas of charts, with the real helms: the same verdicts as bare helm's, one request, and none when warm."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.artifacts import lockfile
from cmp.artifacts.cache import Archive, ChartCache
from cmp.artifacts.lockfile import Lock
from cmp.artifacts.remotes import keys
from cmp.artifacts.remotes import schemas as remote
from cmp.context import Context
from cmp.engines.protocol import SchemaCheck
from cmp.errors import ChartError, ConfigError
from cmp.model import Tool
from cmp.policy import PolicyCheck
from cmp.policy.document import Policy
from cmp.render.schemas import RemoteSchemas
from cmp.secrets.redact import Redactor
from cmp.system.files import sha256
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.workspace import Workspace
from tests.support import versions
from tests.support.charts import HELMS, dependency
from tests.support.git_repository import Repo
from tests.support.helmfile import HelmfileRepository
from tests.support.kustomize import KustomizeRepository
from tests.support.remote_schemas import APP, LIBRARY, NEWER, OLD, RepositoryWithRemoteSchema, chart, pack
from tests.support.servers.charts import ChartRepository
from tests.support.servers.web import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

WITHOUT = "`helm: {skipSchemaValidation: true}` in cmp-app.yaml renders without the check of values"
CACHED = "Argo CD keeps this error cached until a hard refresh"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChartRepository]:
    (tmp_path / "charts").mkdir()
    with ChartRepository(tmp_path / "charts") as server:
        yield server


@pytest.fixture
def world(sandbox: Sandbox, server: ChartRepository) -> RepositoryWithRemoteSchema:
    return RepositoryWithRemoteSchema(sandbox, server)


class TestVerdicts:
    @pytest.mark.parametrize("helm", versions.HELM)
    def test_they_are_those_of_the_bare_helm(
        self, world: RepositoryWithRemoteSchema, tmp_path: Path, helm: str
    ) -> None:
        url = world.server.url
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{url}/dialect.json"}
        world.serve({"dialect.json": dialect})
        charts = {
            "whole": {"$ref": world.schema},
            "named": {
                "id": f"{url}/",
                "$schema": "http://json-schema.org/draft-04/schema#",
                "not": {"$ref": "lib.json"},
            },
            "part": {"properties": {"n": {"$ref": f"{url}/parts/color.json#/definitions/color"}}, "required": ["n"]},
            "dialect": {"$schema": f"{url}/dialect.json", "properties": {"n": {"type": "null"}}},
            "own": {"$id": f"{url}/own.json", "properties": {"n": {"$ref": "own.json#/definitions/n"}}}
            | {"definitions": {"n": {"maximum": 1.50, "$comment": "\u00e9"}}},
        }
        packed = {f"charts__{name}-1.0.0.tgz": _packed(name, schema) for name, schema in charts.items()}
        asks = [dependency(name, "1.0.0", "") for name in charts]
        world.app(None, *asks, **packed)
        wrong = {"size": "big", "n": 2}
        values = dict.fromkeys(charts, wrong)
        values["named"] = {"size": 1}
        world.values(**values)
        folder = shutil.copytree(world.root / APP, tmp_path / "bare")
        status, said = world.bare(helm, folder, values)
        lines = world.refused(helm=helm)
        assert status == 1
        assert _told(lines[1:-1]) == _told(said.splitlines()[1:])
        assert len(lines) > len(charts)

    @pytest.mark.parametrize("helm", HELMS)
    def test_values_that_fit(self, world: RepositoryWithRemoteSchema, helm: str) -> None:
        world.values(common={"size": 1, "color": "red"})
        assert '"color":"red"' in world.must(helm=helm).replace("\\", "")
        assert world.asked() == ["/lib.json", "/parts/color.json"]
        assert world.must(helm=helm, CMP_OFFLINE="1")
        world.values(common={"size": 1, "color": "green"})
        assert "common:" in "".join(world.refused(helm=helm, CMP_OFFLINE="1"))
        assert world.asked() == []


def _told(lines: list[str]) -> list[str]:
    """Return what helm says, in an order of ours: its own comes from a Go map."""
    return sorted(line.strip() for line in lines if line.strip())


def _packed(name: str, schema: object) -> bytes:
    return pack({f"{name}/{path}": data for path, data in chart(name, schema).items()})


class TestRefused:
    @pytest.mark.parametrize("place", ["the chart", "a folder", "an archive"])
    def test_a_file_of_the_machine(self, world: RepositoryWithRemoteSchema, place: str) -> None:
        secret = world.sandbox.folder / "keys.txt"
        secret.write_text("AGE-SECRET-KEY-1")
        schema = {"properties": {"a": {"$ref": f"file://{secret}"}}}
        files = {
            "the chart": chart("shop", schema),
            "a folder": {f"charts/sub/{name}": data for name, data in chart("sub", schema).items()},
            "an archive": {"charts/sub-1.0.0.tgz": _packed("sub", schema)},
        }
        world.write({f"{APP}/{name}": data for name, data in files[place].items()})
        where = {"the chart": "", "a folder": "charts/sub/", "an archive": "charts/sub-1.0.0.tgz/"}[place]
        assert world.refused() == [
            (
                f"cmp: the schema refers to what no render opens: 'file://{secret}' is a file of the machine that "
                "renders (at #/properties/a/$ref)"
            ),
            f"  where: application shop, cluster dev, phase charts, {APP}/{where}values.schema.json",
            f"  hint: {WITHOUT}",
        ]

    def test_a_host_that_the_policy_does_not_list(self, world: RepositoryWithRemoteSchema) -> None:
        world.app({"properties": {"a": {"$ref": f"{world.server.url}/latest/meta-data/iam.json"}}})
        policy = world.mount_policy("charts: {hosts: [charts.example.com]}")
        assert world.refused(CMP_OFFLINE="1") == [
            (
                f"cmp: the schema {world.server.url}/latest/meta-data/iam.json may not be used: the administrator's "
                f"policy does not list its host {world.host}"
            ),
            f"  where: application shop, cluster dev, phase charts, {APP}/values.schema.json",
            (
                f"  hint: an administrator adds the host to charts.hosts of {policy}; an author takes the chart from a "
                f"listed one: charts.example.com; {WITHOUT}"
            ),
        ]
        assert world.server.requests == []

    def test_offline_and_not_in_the_cache(self, world: RepositoryWithRemoteSchema) -> None:
        world.app({"$ref": world.schema})
        assert world.refused(helm=OLD, CMP_OFFLINE="1") == [
            f"cmp: the schema {world.schema} is not in the cache, and CMP_OFFLINE forbids to fetch it",
            f"  where: application shop, cluster dev, phase charts, {APP}/values.schema.json",
            f"  hint: run `cmp cache warm` where the network is allowed; {WITHOUT}, with helm 3.16.0 or newer",
        ]
        assert world.asked() == []

    def test_without_the_check_nothing_is_fetched(self, world: RepositoryWithRemoteSchema) -> None:
        world.app({"$ref": world.schema})
        world.write({f"{APP}/cmp-app.yaml": "helm: {skipSchemaValidation: true}\n"})
        assert world.must(CMP_OFFLINE="1")
        assert world.cmp("cache", "warm").code == 0
        assert world.asked() == []

    def test_values_are_shown_whatever_their_schema_refers_to(self, world: RepositoryWithRemoteSchema) -> None:
        world.app({"$ref": "file:///etc/hostname"})
        world.values(size=1)
        ran = world.cmp("values", "shop", "--cluster", "dev")
        assert (ran.code, "size: 1" in ran.stdout) == (0, True), ran.stderr

    def test_a_schema_that_is_not_there(self, world: RepositoryWithRemoteSchema) -> None:
        url = f"{world.server.url}/none.json"
        world.app({"$ref": url})
        assert world.refused()[0] == f"cmp: the schema {url} cannot be had: {url} answers 404 Not Found"

    def test_a_fetched_schema_leads_to_no_file(self, world: RepositoryWithRemoteSchema) -> None:
        world.serve({"lib.json": {"$ref": "file:///etc/hostname"}})
        world.app({"$ref": world.schema})
        lines = world.refused()
        assert "'file:///etc/hostname' is a file of the machine that renders (at #/$ref)" in lines[0]
        assert lines[1].endswith(f", phase charts, {world.schema}")


class TestPins:
    def test_the_lock_has_schemas_and_is_enforced(self, world: RepositoryWithRemoteSchema) -> None:
        locked = world.cmp("lock")
        assert locked.stdout.startswith("cmp.lock: 1 charts, 2 schemas, ")
        lock = (world.root / "cmp.lock").read_text()
        digest = sha256(world.server.files["/lib.json"])
        assert f"  url: {world.schema}\n" in lock
        assert digest in lock
        assert world.must(CMP_OFFLINE="1")

        world.serve({"lib.json": {**LIBRARY["lib.json"], "title": "changed"}})
        shutil.rmtree(world.sandbox.cache)
        found = sha256(world.server.files["/lib.json"])
        lines = world.refused()
        assert lines[0] == (
            f"cmp: the schema {world.schema} has changed: its sha256 is {found}, cmp.lock says {digest}"
        )
        assert lines[2] == f"  hint: find out why it did; `cmp lock` accepts it; {WITHOUT}"

        assert world.cmp("lock").code == 0
        assert world.must()
        (world.root / "cmp.lock").write_text(lock.replace(world.schema, f"{world.server.url}/other.json"))
        assert world.refused()[0] == f"cmp: the schema {world.schema}: cmp.lock has no entry for it"

    def test_a_lock_of_an_older_release_pins_no_schema(self, world: RepositoryWithRemoteSchema) -> None:
        assert world.cmp("lock").code == 0
        lock = world.root / "cmp.lock"
        lock.write_bytes(lockfile.dump(lockfile.parse(lock.read_bytes(), "")._replace(schemas=None)))
        assert "schemas" not in lock.read_text()
        ran = world.run()
        assert ran.code == 0
        assert ran.stderr.count("cmp.lock pins no remote schemas: `cmp lock` writes it anew, with them\n") == 1

    @pytest.mark.parametrize("options", [(), ("--lock", "cmp.lock")])
    def test_a_warm_cache_has_them(self, world: RepositoryWithRemoteSchema, options: tuple[str, ...]) -> None:
        if options:
            assert world.cmp("lock").code == 0
            shutil.rmtree(world.sandbox.cache)
        warmed = world.cmp("cache", "warm", *options)
        assert warmed.stdout.startswith("3 archives in "), warmed.stderr
        world.asked()
        assert world.must(CMP_OFFLINE="1")
        assert world.asked() == []
        assert f" schema+{world.schema}" in world.cmp("cache", "list").stdout
        assert world.cmp("cache", "verify").code == 0

    def test_a_change_is_noticed_and_can_be_accepted(self, world: RepositoryWithRemoteSchema) -> None:
        assert world.must()
        name = f"{world.host.replace(':', '-')}-charts-lib.json"
        world.serve({"lib.json": {**LIBRARY["lib.json"], "title": "changed"}})
        for path in world.sandbox.cache.glob(f"archives/*/{name}-*.tgz"):
            path.unlink()
        lines = world.refused()
        assert lines[0].startswith(f"cmp: the schema {world.schema} has changed: it is ")
        assert f"`cmp cache refresh {name}@newest` accepts it" in lines[2]
        assert world.cmp("cache", "refresh", f"{name}@newest").code == 0
        assert world.must()


class TestOtherEngines:
    def test_a_chart_of_a_kustomization(self, sandbox: Sandbox, world: RepositoryWithRemoteSchema) -> None:
        kustomize = KustomizeRepository(sandbox)
        shutil.rmtree(kustomize.root / "namespaces/shop")
        shutil.rmtree(kustomize.root / "clusters/dev/shop")
        world.publish("common", {"$ref": world.schema})
        charts = [
            {"name": "common", "version": "1.0.0", "repo": world.server.url, "valuesInline": {"size": 1}},
            {"name": "mine", "valuesInline": {"size": 1}, "releaseName": "mine"},
        ]
        mine = {f"charts/mine/{name}": data for name, data in chart("mine", {"$ref": world.schema}).items()}
        kustomize.write({f"namespaces/web/{name}": data for name, data in mine.items()})
        kustomize.write(
            {
                "kustomization.yaml": json.dumps({"helmCharts": charts[:1], "namePrefix": "a-"}),
                "cmp-app.yaml": "kustomize: {enableHelm: true}\ntools: {helm: 3.18.6}\n",
            }
        )
        assert "size" in kustomize.must()
        assert world.asked() == ["/lib.json", "/parts/color.json"]
        kustomize.write({"kustomization.yaml": json.dumps({"helmCharts": charts[1:]})})
        assert "size" in kustomize.must(CMP_OFFLINE="1")
        charts[1]["valuesInline"] = {"size": "big"}
        kustomize.write({"kustomization.yaml": json.dumps({"helmCharts": charts[1:]})})
        assert "got string, want integer" in "\n".join(kustomize.refused(CMP_OFFLINE="1"))
        assert world.asked() == []

    def test_a_chart_of_a_helmfile(self, sandbox: Sandbox, world: RepositoryWithRemoteSchema) -> None:
        for folder in (APP, "clusters/dev/shop"):
            shutil.rmtree(world.root / folder)
        helmfile = HelmfileRepository(sandbox)
        state = {
            "repositories": [{"name": "ex", "url": world.server.url}],
            "releases": [
                {"name": "a", "chart": "ex/common", "version": "1.0.0", "values": [{"size": 1}]},
                {"name": "b", "chart": "./charts/mine", "values": [{"size": 1}]},
            ],
        }
        mine = {f"charts/mine/{name}": data.decode() for name, data in chart("mine", {"$ref": world.schema}).items()}
        helmfile.write_app({"helmfile.yaml": _yaml(state), **mine})
        assert helmfile.must().count("size") == 2
        assert world.asked() == ["/lib.json", "/parts/color.json"]
        state["releases"][1]["values"] = [{"size": "big"}]  # type: ignore[index]
        helmfile.write_app({"helmfile.yaml": _yaml(state)})
        ran = helmfile.run(CMP_OFFLINE="1")
        assert (ran.code, "got string, want integer" in ran.stderr) == (7, True), ran.stderr
        state["releases"][1] = {**state["releases"][1], "skipSchemaValidation": True}  # type: ignore[index]
        helmfile.write_app({"helmfile.yaml": _yaml(state)})
        assert helmfile.must(CMP_OFFLINE="1").count("size") == 2
        assert world.asked() == []


class TestComparison:
    """`cmp diff --untrusted`, where a change names a schema on a host of its own."""

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[ChartRepository]:
        (tmp_path / "other").mkdir()
        with ChartRepository(tmp_path / "other") as other:
            other.files["/lib.json"] = json.dumps({"properties": {"size": {"type": "integer"}}}).encode()
            yield other

    @pytest.fixture
    def repo(self, world: RepositoryWithRemoteSchema, other: ChartRepository) -> Repo:
        world.publish("common", {"$ref": f"{other.url}/lib.json"})
        shutil.rmtree(world.root / ".git")
        repo = Repo(world.root)
        repo.commit({"cmp.yaml": "version: 1\ntools: {helm: 3.18.6}\n"})
        repo.git("checkout", "--quiet", "-b", "topic")
        return repo

    def report(self, world: RepositoryWithRemoteSchema) -> dict[str, list[dict[str, list[str]]]]:
        ran = world.cmp("diff", "--untrusted", "--base", "main", "--head", "topic", "--format", "json")
        report: dict[str, list[dict[str, list[str]]]] = json.loads(ran.stdout)
        return report

    def test_the_publisher_of_a_chart_may_name_one(
        self, world: RepositoryWithRemoteSchema, repo: Repo, other: ChartRepository
    ) -> None:
        repo.commit({"clusters/dev/shop/dev-values.yaml": "common: {size: 2}\n"})
        report = self.report(world)
        assert (report["failures"], len(report["groups"])) == ([], 2)  # the values of both charts
        assert other.requests == ["/lib.json"]

    def test_a_change_may_not(self, world: RepositoryWithRemoteSchema, repo: Repo, other: ChartRepository) -> None:
        url = f"{other.url}/evil.json"
        repo.commit({f"{APP}/values.schema.json": json.dumps({"$ref": url})})
        (failure,) = self.report(world)["failures"]
        assert (
            failure["lines"][0] == f"cmp: the schema {url} may not be fetched: the change that names it is not trusted"
        )
        assert "/evil.json" not in other.requests


def _yaml(state: dict[str, object]) -> str:
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in state.items())


class TestWithoutAProgram:
    """Limits of a fetched schema, tested without helm: the references in it, and their number."""

    FAR = "https://schemas.example.test/a.json"

    @pytest.fixture
    def context(self, tmp_path: Path) -> Context:
        env = {"CMP_CACHE_DIR": str(tmp_path / "cache"), "CMP_TMPDIR": str(tmp_path), "CMP_OFFLINE": "1"}
        redactor = Redactor()
        settings = environ.read(env, default_deadline=30).settings
        return Context(settings, Deadline(30), redactor, Log(io.StringIO(), redactor.mask), Phases())

    @pytest.fixture
    def online(self, context: Context) -> Context:
        return context._replace(settings=context.settings._replace(offline=False))

    @staticmethod
    def keep(context: Context, url: str, schema: object) -> str:
        """Put a schema into the cache, as if it had been fetched."""
        content = json.dumps(schema).encode()
        packed = pack({keys.CONTENT: content})
        key = keys.key_of(remote.ref(url, "", ""))
        archive = Archive(key.name, sha256(content), sha256(packed), packed)
        ChartCache(context.settings.cache_dir).publish(key, archive)
        return archive.version

    @staticmethod
    def supply(
        context: Context,
        schema: object,
        lock: Lock | None = None,
        *,
        permit: PolicyCheck | None = None,
        is_fetched: bool = False,
    ) -> object:
        """Supply the schemas of a chart that has but one, and return what its reference leads to."""
        with Workspace(context.settings.tmp_dir) as workspace:
            workspace.write("chart/values.schema.json", json.dumps(schema).encode())
            helm = Tool("helm", NEWER, "", "")
            chart = SchemaCheck(f"{workspace.path}/chart", "shop", helm, "the way out", is_fetched=is_fetched)
            RemoteSchemas(lock, permit, workspace, context).supply(chart)
            with open(f"{workspace.path}/chart/values.schema.json", encoding="utf-8") as file:
                found = json.load(file)
            with open(found["$ref"].removeprefix("file://"), encoding="utf-8") as file:
                return json.load(file)

    def test_schemas_that_refer_to_each_other(self, context: Context) -> None:
        other = self.FAR.replace("a.json", "b.json")
        self.keep(context, self.FAR, {"not": {"$ref": "b.json"}})
        self.keep(context, other, {"not": {"$ref": "a.json"}})
        found = self.supply(context, {"$ref": self.FAR})
        assert found["not"]["$ref"].startswith("file:///")  # type: ignore[index]

    def test_the_lock_says_nothing_of_a_fetched_tree(self, context: Context) -> None:
        self.keep(context, self.FAR, {"title": "a"})
        with pytest.raises(ChartError, match="has no entry for it"):
            self.supply(context, {"$ref": self.FAR}, Lock(schemas=()))
        assert self.supply(context, {"$ref": self.FAR}, Lock(schemas=()), is_fetched=True) == {"title": "a"}

    def test_a_remote_schema_leads_not_to_this_machine(self, context: Context) -> None:
        self.keep(context, self.FAR, {"$ref": "http://127.0.0.1:8084/metrics"})
        with pytest.raises(ChartError) as caught:
            self.supply(context, {"$ref": self.FAR})
        assert caught.value.lines() == [
            f"cmp: the schema http://127.0.0.1:8084/metrics is on this machine, and {self.FAR} is not",
            f"  where: {self.FAR}",
            "  hint: the way out",
        ]

    def test_the_metadata_service_of_a_cloud_is_not_asked(self, online: Context) -> None:
        url = "http://169.254.169.254/latest/meta-data/iam.json"
        with pytest.raises(ChartError) as caught:
            self.supply(online, {"$ref": url})
        assert caught.value.lines(is_cached=True) == [
            f"cmp: the schema {url} cannot be had: 169.254.169.254 is the address of a cloud's metadata service",
            "  where: shop/values.schema.json",
            (
                "  hint: an administrator who trusts that host lists it in charts.hosts of a policy (CMP_POLICY); "
                f"the way out; {CACHED}"
            ),
        ]

    def test_the_policy_is_asked_about_redirects(self, online: Context) -> None:
        with WebServer() as listed, WebServer() as other:
            listed.give("/a.json", f"{other.at()}/a.json")
            other.give("/a.json", b"{}")
            hosts = tuple(server.at().partition("://")[2] for server in (listed, other))
            schema = {"$ref": f"{listed.at()}/a.json"}
            with pytest.raises(ConfigError, match=r"leads to .*, which the administrator's policy does not list"):
                self.supply(online, schema, permit=PolicyCheck(Policy("policy.yaml", hosts=hosts[:1])))
            assert other.requests == []
            assert self.supply(online, schema, permit=PolicyCheck(Policy("policy.yaml", hosts=hosts))) == {}

    def test_a_chain_has_an_end(self, context: Context) -> None:
        for number in range(101):
            self.keep(context, f"https://host.example.test/{number}", {"$ref": f"/{number + 1}"})
        with pytest.raises(ChartError, match="more than 100 schemas are referred to"):
            self.supply(context, {"$ref": "https://host.example.test/0"})

    def test_what_was_fetched_is_no_json(self, context: Context) -> None:
        url = self.FAR
        content = b'<html>"$ref": "a"</html>'
        packed = pack({keys.CONTENT: content})
        key = keys.key_of(remote.ref(url, "", ""))
        ChartCache(context.settings.cache_dir).publish(key, Archive(key.name, sha256(content), sha256(packed), packed))
        with pytest.raises(ChartError, match="this is not JSON: Expecting value"):
            self.supply(context, {"$ref": url})
