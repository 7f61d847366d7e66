"""Passwords, certificates and registries: the child gets the one entry that it needs, and nobody sees it."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from cmp.artifacts.charts import repositories
from cmp.artifacts.charts.helm import Helm, environment
from cmp.errors import ChartError
from cmp.secrets.redact import MASK
from cmp.system.download import Credentials
from cmp.system.urls import origin
from cmp.system.workspace import Workspace
from tests.support.charts import HELMS, World, dependency
from tests.support.servers import authority
from tests.support.servers.charts import ChartRepository
from tests.support.servers.oci import Registry

USER, PASSWORD = "chart-reader", "Zk4-unguessable"
CACHED = "Argo CD keeps this error cached until a hard refresh"


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> authority.Authority:
    return authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tools(tools_dir: str, test_tools_dir: str) -> tuple[str, str]:
    return tools_dir, test_tools_dir


def refusal(world: World, url: str, version: str = "1.2.3") -> ChartError:
    world.depend(dependency("redis", version, url))
    with pytest.raises(ChartError) as caught:
        world.restore()
    return caught.value


# -- HTTP


def test_the_credentials_of_the_mounted_configuration_are_used(archives: Path, world: World) -> None:
    with ChartRepository(archives, credentials=(USER, PASSWORD)) as repository:
        error = refusal(world, repository.url)
        assert "cannot fetch the index: it wants other credentials: " in error.what
        config = repository.write_repositories(world.folder / "repositories.yaml")
        world.env["HELM_REPOSITORY_CONFIG"] = str(config)
        assert [one.how for one in world.restore()] == ["fetched"]
        world.depend(dependency("redis", "^1.2.0", repository.url))
        assert [one.version for one in world.restore()] == ["1.3.0"]


@pytest.mark.parametrize("alias", ["@example", "alias:example"])
def test_an_alias_stands_for_the_url_of_the_mounted_configuration(alias: str, archives: Path, world: World) -> None:
    with ChartRepository(archives, credentials=(USER, PASSWORD)) as repository:
        config = repository.write_repositories(world.folder / "repositories.yaml")
        world.env["HELM_REPOSITORY_CONFIG"] = str(config)
        world.depend(dependency("redis", "1.2.3", alias))
        assert [(one.repository, one.how) for one in world.restore()] == [(alias, "fetched")]
        world.depend(dependency("redis", "1.2.3", repository.url))
        assert [one.how for one in world.restore()] == ["cache"]
    world.env["HELM_REPOSITORY_CONFIG"] = ""
    error = refusal(world, alias)
    assert error.lines() == [
        f"cmp: nobody defines the repository {alias} of redis",
        "  where: app/Chart.yaml:6",
        "  hint: the file that HELM_REPOSITORY_CONFIG names must have an entry of this name",
    ]


@pytest.mark.parametrize("how", ["setting", "entry"])
def test_a_private_authority_is_trusted_when_it_is_mounted(
    how: str, archives: Path, private: authority.Authority, world: World
) -> None:
    with ChartRepository(archives, authority=private) as repository:
        error = refusal(world, repository.url)
        assert "cannot fetch the index: its certificate is not trusted: " in error.what
        assert error.lines(is_cached=True)[-1] == f"  hint: let CMP_CA_FILE name its authority; {CACHED}"
        if how == "setting":
            world.env["CMP_CA_FILE"] = str(private.ca)
        else:
            world.env["HELM_REPOSITORY_CONFIG"] = str(repository.write_repositories(world.folder / "repositories.yaml"))
        assert [one.how for one in world.restore()] == ["fetched"]


def test_an_entry_may_switch_the_verification_of_certificates_off(
    archives: Path, private: authority.Authority, world: World
) -> None:
    with ChartRepository(archives, authority=private) as repository:
        entries = [{"name": "x", "url": repository.url, "insecure_skip_tls_verify": True}]
        (world.folder / "repositories.yaml").write_text(json.dumps({"repositories": entries}))
        world.env["HELM_REPOSITORY_CONFIG"] = str(world.folder / "repositories.yaml")
        world.depend(dependency("redis", "1.2.3", repository.url))
        assert [one.how for one in world.restore()] == ["fetched"]


def entry(url: str) -> dict[str, object]:
    return {"name": url, "url": url, "username": f"user of {url}", "password": f"password of {url}"}


def credentials(url: str, *known: dict[str, object]) -> Credentials:
    redactor = World(Path("/"), "").context().redactor
    found = repositories.credentials(url, known, redactor)
    if found.password:
        assert redactor.mask(f"Error: {found.password}") == f"Error: {MASK}"
    return found


@pytest.mark.parametrize(
    ("url", "whose"),
    [
        ("https://a.example/team", "https://a.example/team"),
        ("https://a.example/team/sub", "https://a.example/team"),
        ("https://a.example/other", "https://a.example/"),
        ("https://a.example/teams", "https://a.example/"),
        ("HTTPS://A.Example:443/team/", "https://a.example/team"),
        ("https://a.example/team/../other", "https://a.example/"),
        ("https://a.example/team/%2e%2e/other", "https://a.example/"),
        ("https://B.example:443/x", "https://b.example"),
        ("https://a.example.evil/", None),
        ("http://a.example/team", None),
        ("https://a.example:8443/team", None),
    ],
)
def test_the_entry_with_the_longest_matching_url_is_used_and_no_other(url: str, whose: str | None) -> None:
    found = credentials(url, entry("https://a.example/"), entry("https://a.example/team"), entry("https://b.example"))
    assert found.password == (f"password of {whose}" if whose else "")


def test_an_entry_may_be_written_in_another_way_than_the_repository() -> None:
    assert credentials("https://a.example/team", entry("https://A.EXAMPLE:443/team/")).password
    assert (
        credentials("https://a.example/team", entry("no URL"), {"url": "https://a.example", "password": 5})
        == Credentials()
    )


def test_credentials_in_the_url_of_an_entry_move_to_where_no_message_prints_them() -> None:
    known: dict[str, object] = {"name": "x", "url": "https://me:p%40ssw0rd@a.example/team"}
    found = credentials("https://a.example/team", known)
    assert (found.username, found.password) == ("me", "p@ssw0rd")
    assert repositories.alias_url("@x", (known,)) == "https://a.example/team"


@pytest.mark.parametrize("content", ["repositories: {", "- [}"])
def test_a_configuration_that_is_not_yaml_is_an_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "repositories.yaml"
    path.write_text(content)
    with pytest.raises(ChartError, match=r"^cannot read HELM_REPOSITORY_CONFIG: line [12], column "):
        repositories.load(str(path))


def test_a_configuration_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert repositories.load(str(tmp_path / "none.yaml")) == ()


# -- OCI


@pytest.mark.parametrize("helm", HELMS)
def test_a_registry_with_login_serves_exact_versions_and_ranges(
    helm: str, archives: Path, tools: tuple[str, str], tmp_path: Path
) -> None:
    tools_dir, test_tools_dir = tools
    world = World(tmp_path, tools_dir, helm)
    program = Path(test_tools_dir, "registry/3.0.0/registry")
    with Registry(program, world.folder / "registry", credentials=(USER, PASSWORD)) as registry:
        for version in ("1.2.3", "1.3.0"):
            world.push(registry, archives / f"redis-{version}.tgz")
        error = refusal(world, registry.url)
        assert f"chart redis 1.2.3 of {registry.url}: it wants other credentials: " in error.what
        assert error.lines(is_cached=True)[1:] == [
            "  where: app/Chart.yaml:6",
            "  hint: put the credentials into the files that HELM_REPOSITORY_CONFIG and HELM_REGISTRY_CONFIG name; "
            + CACHED,
        ]
        world.env["HELM_REGISTRY_CONFIG"] = str(registry.write_config(world.folder / "config.json"))
        assert [one.how for one in world.restore()] == ["fetched"]
        assert world.charts["redis-1.2.3.tgz"] == (archives / "redis-1.2.3.tgz").read_bytes()
        world.depend(
            dependency("redis", "^1.2.0", registry.url), dependency("redis", "1.2.3", registry.url, alias="old")
        )
        assert [(one.version, one.how) for one in world.restore()] == [("1.3.0", "fetched"), ("1.2.3", "cache")]
        before = len(registry.requests)
        assert [(one.version, one.how) for one in world.restore()] == [("1.3.0", "cache"), ("1.2.3", "cache")]
        assert len(registry.requests) == before
        for version, meaning in (
            ("7.7.7", "it has no such thing"),
            ("^7", "it has no such chart or version"),
        ):
            assert f"chart redis {version} of {registry.url}: {meaning}: " in refusal(world, registry.url, version).what


@pytest.mark.parametrize("helm", ["3.18.6", "4.0.0"])  # 3.14 speaks no TLS to a registry on loopback
def test_a_registry_with_a_private_authority(
    helm: str, archives: Path, private: authority.Authority, tools: tuple[str, str], tmp_path: Path
) -> None:
    tools_dir, test_tools_dir = tools
    world = World(tmp_path, tools_dir, helm)
    program = Path(test_tools_dir, "registry/3.0.0/registry")
    with Registry(program, tmp_path / "registry", authority=private) as registry:
        world.push(registry, archives / "redis-1.2.3.tgz")
        world.env["HELM_REGISTRY_CONFIG"] = str(registry.write_config(tmp_path / "config.json"))
        assert f"of {registry.url}: its certificate is not trusted: " in refusal(world, registry.url).what
        world.env["CMP_CA_FILE"] = str(private.ca)
        assert [one.how for one in world.restore()] == ["fetched"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("oci://localhost:5000/charts", True),
        ("oci://127.0.0.1:5000/charts", True),
        ("oci://127.8.9.10/charts", True),
        ("oci://[::1]:5000/charts", True),
        ("oci://localhost.example/charts", False),
        ("oci://127.0.0.1.example:5000/charts", False),
        ("oci://registry.example/127.0.0.1", False),
    ],
)
def test_only_this_machine_may_speak_without_tls(url: str, expected: bool) -> None:  # noqa: FBT001  # a column
    assert origin(url).is_loopback == expected


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_the_registry_configuration_of_a_child_knows_one_host(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    mine, other = auth("me", "my-own-password"), auth("you", "other-password")
    path.write_text(
        json.dumps(
            {
                "auths": {
                    "r.example": mine,
                    "https://r.example/v1/": mine,
                    "r.example:5000": other,
                    "s.example": other,
                },
                "credHelpers": {"r.example": "ours", "s.example": "theirs"},
                "credsStore": "desktop",
                "HttpHeaders": {"X-Meta": "secret"},
            }
        )
    )
    redactor = World(tmp_path, "").context().redactor
    assert repositories.private_registry("oci://R.example:443/charts", str(path), redactor) == {
        "auths": {"r.example": mine, "https://r.example/v1/": mine},
        "credHelpers": {"r.example": "ours"},
    }
    assert redactor.mask("login with my-own-password") == f"login with {MASK}"
    assert repositories.private_registry("oci://none.example/x", str(path), redactor) == {
        "auths": {},
        "credHelpers": {},
    }


def test_a_host_whose_password_is_with_the_default_helper_brings_the_helper(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {"r.example": {}}, "credsStore": "desktop"}))
    redactor = World(tmp_path, "").context().redactor
    assert repositories.private_registry("oci://r.example/charts", str(path), redactor)["credsStore"] == "desktop"


def test_a_registry_configuration_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{")
    with pytest.raises(ChartError, match=r"^cannot read HELM_REGISTRY_CONFIG: "):
        repositories.private_registry("oci://r.example/x", str(path), World(tmp_path, "").context().redactor)


# -- what a child sees


def test_the_environment_of_a_child_is_built_and_points_at_private_folders(tmp_path: Path) -> None:
    world = World(tmp_path, "")
    world.env |= {
        "PATH": "/bin",
        "HOME": "/home/me",
        "HELM_PLUGINS": "/x",
        "HELM_DEBUG": "1",
        "HTTPS_PROXY": "http://p",
    }
    world.env |= {"SOPS_AGE_KEY": "no", "ARGOCD_ENV_HELM_CACHE_HOME": "/x", "CMP_CA_FILE": "/ca.pem"}
    env = environment("/private", world.context())
    assert {name: value for name, value in env.items() if not value.startswith("/private")} == {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://p",
        "SSL_CERT_FILE": "/ca.pem",
        "GOGC": "400",
        "GOMEMLIMIT": "512MiB",
    }


def test_passwords_of_registries_reach_helm_in_a_private_file_and_those_of_repositories_never(
    archives: Path, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir)
    with ChartRepository(archives, credentials=(USER, PASSWORD)) as repository, Workspace(str(tmp_path)) as workspace:
        world.env["HELM_REPOSITORY_CONFIG"] = str(repository.write_repositories(tmp_path / "repositories.yaml"))
        (tmp_path / "config.json").write_text(json.dumps({"auths": {"r.example": auth(USER, PASSWORD)}}))
        world.env["HELM_REGISTRY_CONFIG"] = str(tmp_path / "config.json")
        helm = Helm(world.tool, workspace, world.context())
        home = helm.repository(repository.url, b"index")
        assert PASSWORD not in Path(home.env["HELM_REPOSITORY_CONFIG"]).read_text()
        home = helm.registry("oci://r.example/charts/redis")
        path = home.env["HELM_REGISTRY_CONFIG"]
        assert auth(USER, PASSWORD)["auth"] in Path(path).read_text()
        assert PASSWORD not in repr(helm.command(home, "pull", "pull", "oci://r.example/charts/redis"))
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not Path(path).exists()
