"""Encrypted files of a helmfile are decrypted where it reads them, and nowhere else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import toolstore
from cmp.secrets.redact import MASK
from tests.support.helmfile import APP, DEV, ENDS, HelmfileRepository, chart, token, values
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

HELMFILE_YAML = """\
environments:
  default:
    values: [envs/plain.yaml, envs/values.yaml]
    secrets: [envs/secrets.yaml]
---
releases:
- name: web
  namespace: shop
  chart: ./charts/web
  values:
  - release.yaml
  - v.yaml.gotmpl
  - text: {{ readFile "key.pem" | quote }}
    order: value
  secrets: [release.secret.yaml, ../../common/shared.yaml]
"""
FILES = {
    "environment": f"{APP}/envs/values.yaml",
    "environment-secret": f"{APP}/envs/secrets.yaml",
    "value": f"{APP}/release.yaml",
    "secret": f"{APP}/release.secret.yaml",
    "shared": "common/shared.yaml",
    "text": f"{APP}/key.pem",
    "layer": f"{DEV}/dev-values.secret.yaml",
}
PLACES = ("/dev/shm", "/tmp")  # noqa: S108  # where a private folder could be made


class Everywhere:
    """A helmfile with an encrypted file for each way in which it reads one."""

    def __init__(self, world: HelmfileRepository) -> None:
        self.world = world
        self.secrets = {name: token(name) for name in FILES}
        texts = {
            name: f"{self.secrets[name]}\n" if name == "text" else f"{name}: {self.secrets[name]}\norder: {name}\n"
            for name in FILES
        }
        world.seal({path: texts[name] for name, path in FILES.items()})
        world.write_app(
            {
                **chart(),
                "helmfile.yaml.gotmpl": HELMFILE_YAML,
                "envs/plain.yaml": "order: plain\nenvironment: none\n",
                "v.yaml.gotmpl": "all:\n{{ toYaml .Values | indent 2 }}\n",
            }
        )

    def left(self) -> list[str]:
        """Return where a secret is that nobody should find."""
        folders = (self.world.sandbox.cache, self.world.sandbox.state, self.world.sandbox.tmp, self.world.sandbox.home)
        return find_plaintext(folders, self.secrets.values())


@pytest.fixture(params=ENDS, ids=" with ".join)
def everywhere(sandbox: Sandbox, request: pytest.FixtureRequest) -> Everywhere:
    return Everywhere(HelmfileRepository(sandbox).pin(*request.param))


def test_every_file_that_a_helmfile_reads_may_be_encrypted(everywhere: Everywhere) -> None:
    secrets = everywhere.secrets
    assert values(everywhere.world.must())["web"] == {
        "from": "chart",
        "all": {
            "environment": secrets["environment"],
            "environment-secret": secrets["environment-secret"],
            "layer": secrets["layer"],
            "order": "layer",
        },
        "value": secrets["value"],
        "text": secrets["text"] + "\n",
        "secret": secrets["secret"],
        "shared": secrets["shared"],
        "order": "shared",
    }
    assert everywhere.left() == []


@pytest.mark.parametrize("tools", ENDS, ids=" with ".join)
def test_the_secrets_of_an_environment_win_over_its_values(sandbox: Sandbox, tools: tuple[str, str]) -> None:
    world = HelmfileRepository(sandbox).pin(*tools)
    world.seal({f"{APP}/s.yaml": "a: secret\n"})
    world.write_app(
        {
            **chart(),
            "helmfile.yaml.gotmpl": (
                "environments: {default: {secrets: [s.yaml], values: [{a: value, b: value}]}}\n---\n"
                "releases: [{name: web, chart: ./charts/web, values: [{a: {{ .Values.a }}, b: {{ .Values.b }}}]}]\n"
            ),
        }
    )
    assert values(world.must())["web"] == {"from": "chart", "a": "secret", "b": "value"}


@pytest.mark.parametrize("name", FILES)
def test_no_error_tells_a_secret(everywhere: Everywhere, name: str) -> None:
    world = everywhere.world
    world.write_app({"charts/web/templates/fail.yaml": "{{ fail (toJson .Values) }}\n"})
    ran = world.run()
    assert (ran.code, ran.stdout) == (7, "")
    assert MASK in ran.stderr
    assert [secret for secret in everywhere.secrets.values() if secret in ran.stderr] == []
    world.write({FILES[name]: (world.root / FILES[name]).read_bytes().replace(b"ENC[AES256_GCM,data:", b"ENC[x:", 1)})
    broken = world.run()
    assert broken.code in (6, 7)
    assert [secret for secret in everywhere.secrets.values() if secret in broken.stderr] == []
    assert everywhere.left() == []


def test_a_file_that_is_no_yaml_once_it_is_decrypted(sandbox: Sandbox) -> None:
    world, secret = HelmfileRepository(sandbox), token("text")
    world.seal({f"{APP}/s.txt": f"{secret}: [\n"})
    bad, good = "values: [v.yaml.gotmpl]", "values: [{a: 1}]"
    for environment, release in ((bad, good), (good, bad)):
        state = f"environments: {{default: {{{environment}}}}}\n---\n"
        world.write_app(
            {
                **chart(),
                "v.yaml.gotmpl": '{{ readFile "s.txt" }}\n',
                "helmfile.yaml.gotmpl": f"{state}releases: [{{name: web, chart: ./charts/web, {release}}}]\n",
            }
        )
        ran = world.run()
        assert (ran.code, ran.stdout, secret in ran.stderr) == (7, "", False)


def test_a_secret_that_is_not_encrypted(sandbox: Sandbox) -> None:
    world = HelmfileRepository(sandbox)
    world.write_app(
        {**chart(), "helmfile.yaml": "releases: [{name: web, chart: ./charts/web}]\n", "a.secret.yaml": "a: b\n"}
    )
    assert world.refused()[:2] == [
        "cmp: this file is not encrypted, but its name declares it secret",
        f"  where: application shop, cluster dev, phase secrets, {APP}/a.secret.yaml",
    ]


def test_what_is_decrypted_is_looked_at_too(sandbox: Sandbox) -> None:
    world = HelmfileRepository(sandbox)
    world.seal({f"{APP}/s.yaml": "a: ref+file:///etc/passwd\n"})
    world.write_app({**chart(), "helmfile.yaml": "releases: [{name: web, chart: ./charts/web, secrets: [s.yaml]}]\n"})
    assert world.refused()[:2] == [
        "cmp: `ref+file`, by which vals reads secrets, is not allowed",
        f"  where: application shop, cluster dev, phase policy, {APP}/s.yaml:1",
    ]


class Watched:
    """The world with shell scripts in the place of programs, which lie beside them as `real`."""

    def __init__(self, everywhere: Everywhere) -> None:
        self.world = everywhere.world
        self._real = Path(self.world.sandbox.tools_dir)
        self._store = self.world.sandbox.folder / "store"
        self._store.mkdir()
        for tool in ("helm", "helmfile", "sops"):
            (self._store / tool).symlink_to(self._real / tool)
        self.world.sandbox.tools_dir = str(self._store)

    def install(self, script: str, tool: str = "helmfile") -> None:
        """Put a shell script in the place of a program."""
        version = self.world.helmfile if tool == "helmfile" else self.world.helm
        (self._store / tool).unlink()
        folder = self._store / tool / version
        folder.mkdir(parents=True)
        program = folder / tool
        program.write_text(f"#!/bin/sh\nreal={self._real}/{tool}/{version}/{tool}\n{script}\n")
        program.chmod(0o755)
        toolstore.write(str(folder), toolstore.describe(str(program), "go", "stand-in"))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_a_render_is_ended(everywhere: Everywhere, signum: signal.Signals) -> None:
    watched = Watched(everywhere)
    watched.install("PATH=/bin:/usr/bin\nexec sleep 600")
    sandbox = watched.world.sandbox
    argv = sandbox.command("render", "shop", "--cluster", "dev")
    with subprocess.Popen(argv, cwd=watched.world.root, env=sandbox.env(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: any("sleep 600" in line for line in processes_of(str(sandbox.folder)).values()))
        arguments = " ".join(processes_of(str(sandbox.folder)).values())
        assert [secret for secret in everywhere.secrets.values() if secret in arguments] == []
        assert everywhere.left() != [], "the plaintext is in the private folder while helmfile runs"
        process.send_signal(signum)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + signum
    assert everywhere.left() == []
    assert [secret for secret in everywhere.secrets.values() if secret in stderr.decode()] == []
    wait_until(lambda: processes_of(str(sandbox.folder)) == {})


def test_the_deadline_ends_helmfile(everywhere: Everywhere) -> None:
    watched = Watched(everywhere)
    watched.install("PATH=/bin:/usr/bin\nexec sleep 600")
    ran = watched.world.run(CMP_DEADLINE="4")
    assert (ran.code, ran.stdout) == (9, "")
    assert ran.first_line.startswith("cmp: helmfile list was still running when the deadline of 4 s passed")
    assert everywhere.left() == []


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("kill -9 $$", "was killed by signal 9"),
        ("exit 3", "exited with status 3 and said nothing"),
    ],
)
def test_a_helmfile_that_dies(everywhere: Everywhere, script: str, what: str) -> None:
    watched = Watched(everywhere)
    watched.install(script)
    assert watched.world.refused()[0] == f"cmp: helmfile {watched.world.helmfile} {what}"


def test_programs_get_no_key_and_no_secret_in_arguments_or_environment(everywhere: Everywhere) -> None:
    watched = Watched(everywhere)
    seen = watched.world.sandbox.folder / "seen"
    # What the policy allows, no wall is around: only so can a stand-in write what it sees, and go on.
    watched.world.allow("hooks")
    watched.world.write_app({"helmfile.yaml.gotmpl": "hooks: [{events: [prepare], command: 'true'}]\n" + HELMFILE_YAML})
    tell = f'{{ echo "$0 $@"; env; }} >> {seen}'
    watched.install(f'{tell}\nexec "$real" "$@"')
    watched.install(f'{tell}\nexec "$real" "$@"', tool="helm")
    watched.world.must()
    told = seen.read_text()
    for started in (
        "helmfile list",
        "helmfile build",
        "helmfile template",
        "helm secrets decrypt",
        "helm template web",
    ):
        assert f"/{started} " in told
    assert "HELMFILE_DISABLE_INSECURE_FEATURES=1" in told
    assert "SOPS" not in told
    assert [secret for secret in everywhere.secrets.values() if secret in told] == []


def test_an_encrypted_file_that_the_policy_keeps_away(everywhere: Everywhere) -> None:
    world = everywhere.world
    policy = world.sandbox.folder / "policy.yaml"
    rule = {"projects": ["*"], "folders": ["namespaces/shop", "clusters/*/shop"]}
    policy.write_text(json.dumps({"version": 1, "applications": [rule]}))
    world.sandbox.extra["CMP_POLICY"] = str(policy)
    world.sandbox.extra["ARGOCD_APP_PROJECT_NAME"] = "team"
    assert world.generate().stderr.splitlines()[:2] == [
        "cmp: AppProject team may not decrypt common/shared.yaml",
        "  where: application shop, cluster dev, phase policy, common/shared.yaml",
    ]


def test_a_file_of_another_application_is_not_decrypted(everywhere: Everywhere) -> None:
    world, foreign = everywhere.world, token("foreign")
    world.seal({"namespaces/other/a.secret.yaml": f"a: {foreign}\n"})
    ran = world.run("--explain")
    assert (ran.code, "namespaces/other" in ran.stderr) == (0, False)
    assert os.path.exists(world.root / "namespaces/other/a.secret.yaml")
