"""Encrypted files that a kustomization names are decrypted where it reads them, and nowhere else."""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from cmp.secrets.redact import MASK
from tests.support.kustomize import CONFIG, ENDS, VERSIONS, KustomizeRepository, maps, objects, same
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

OVERLAY = "clusters/dev/web"
BASE = "namespaces/web"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{{key}: {value}}}\n"


def token(name: str) -> str:
    """Return a secret that nobody else has: the search for what is left also looks into folders that all share."""
    return f"unique-{name}-{os.urandom(6).hex()}"


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    return KustomizeRepository(sandbox)


class Everywhere:
    """An overlay over a base and a component, with an encrypted file for each way in which kustomize reads one."""

    def __init__(self, world: KustomizeRepository) -> None:
        self.world = world
        self.secrets = {
            name: token(name) for name in ("env", "ini", "json", "binary", "object", "patch", "inside", "deep")
        }
        world.write(
            {
                f"{OVERLAY}/kustomization.yaml": (
                    "resources: [../../../namespaces/web]\ncomponents: [../../part]\n"
                    "secretGenerator: [{name: top, envs: [top.env], files: [conf/key.bin]}]\n"
                    "patchesStrategicMerge: [patch.yaml]\n"
                ),
                f"{BASE}/kustomization.yaml": (
                    "resources: [object.yaml, deeper]\nconfigMapGenerator: [{name: base, files: [a.ini, b.json]}]\n"
                ),
                f"{BASE}/deeper/kustomization.yaml": "secretGenerator: [{name: deep, files: [x=deep.txt]}]\n",
                "clusters/part/kustomization.yaml": (
                    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [inside.yaml]\n"
                ),
            }
        )
        secrets = self.secrets
        self.files = {
            f"{OVERLAY}/top.env": f"PASSWORD={secrets['env']}\n",
            f"{OVERLAY}/conf/key.bin": f"\t{secrets['binary']}\n",
            f"{OVERLAY}/patch.yaml": SECRET.format(name="object", key="patch", value=secrets["patch"]),
            f"{BASE}/object.yaml": SECRET.format(name="object", key="own", value=secrets["object"]),
            f"{BASE}/a.ini": f"[db]\npassword = {secrets['ini']}\n",
            f"{BASE}/b.json": f'{{"password": "{secrets["json"]}"}}\n',
            f"{BASE}/deeper/deep.txt": f"{secrets['deep']}\n",
            "clusters/part/inside.yaml": SECRET.format(name="inside", key="x", value=secrets["inside"]),
        }
        world.seal(self.files)

    def in_clear(self, text: str) -> set[str]:
        """Name the secrets that a text holds, as they are or in base64."""
        forms = {name: (value, b64encode(value.encode()).decode()[:-4]) for name, value in self.secrets.items()}
        return {name for name, found in forms.items() if any(form in text for form in found)}

    def leaked(self) -> list[str]:
        """Search everything that a run may write to, and the repository."""
        return find_plaintext([self.world.sandbox.folder, "/dev/shm"], self.secrets.values())  # noqa: S108


@pytest.fixture
def everywhere(world: KustomizeRepository) -> Everywhere:
    return Everywhere(world)


@pytest.mark.parametrize("version", ENDS)
def test_every_kind_of_file_is_decrypted_where_it_is_named(version: str, everywhere: Everywhere) -> None:
    world = everywhere.world
    ran = world.run("--explain", version=version)
    assert ran.code == 0, ran.stderr
    assert everywhere.in_clear(ran.stderr) == set()
    assert everywhere.leaked() == []
    by_hand = world.by_hand(OVERLAY, version).decrypt(*everywhere.files)
    assert same(ran.stdout, by_hand.build())
    # in one line of base64 the alignment of some is another
    assert everywhere.in_clear(ran.stdout) >= {"env", "ini", "json", "object", "patch", "inside", "deep"}


def test_a_file_of_two_kustomizations_is_decrypted_for_both(world: KustomizeRepository) -> None:
    value = token("shared")
    world.write(
        {
            f"{OVERLAY}/kustomization.yaml": "resources: [../../../namespaces/web, ../../other]\n",
            f"{BASE}/kustomization.yaml": "resources: [one]\nnamePrefix: a-\n",
            "clusters/other/kustomization.yaml": "resources: [../../namespaces/web/one]\nnamePrefix: b-\n",
            f"{BASE}/one/kustomization.yaml": "resources: [secret.yaml]\n",
        }
    )
    world.seal({f"{BASE}/one/secret.yaml": SECRET.format(name="x", key="y", value=value)})
    assert world.must().count(value) == 2


def test_an_encrypted_file_outside_its_kustomization_is_a_copy_of_its_own(world: KustomizeRepository) -> None:
    value, policy = token("outside"), world.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\nflags: {kustomize: [--load-restrictor=LoadRestrictionsNone]}\n")
    world.write(
        {
            "kustomization.yaml": "secretGenerator: [{name: s, files: [../../shared/a.key, ../../top.key]}]\n",
            "cmp-app.yaml": "kustomize: {buildOptions: [--load-restrictor=LoadRestrictionsNone]}\n",
            "shared/clear.txt": "",
        }
    )
    (world.root / "top.key").write_text("clear")
    world.seal({"shared/a.key": value})
    (only,) = objects(world.must(CMP_POLICY=str(policy)))
    assert isinstance(only, dict)
    assert only["data"]["a.key"] == b64encode(value.encode()).decode()
    assert find_plaintext([world.root], [value]) == []


def test_a_file_that_is_declared_secret_must_be_encrypted(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [a.secret.yaml]\n", "a.secret.yaml": CONFIG})
    assert world.refused() == [
        "cmp: this file is not encrypted, but its name declares it secret",
        "  where: application web, cluster dev, phase secrets, namespaces/web/a.secret.yaml",
        (
            "  hint: encrypt it with `sops encrypt --in-place namespaces/web/a.secret.yaml`, and change what it held: "
            "it is in Git's history"
        ),
    ]


def test_an_encrypted_file_that_nothing_names_stays_as_it_is(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [config.yaml]\n", "config.yaml": CONFIG})
    world.seal({"unused.yaml": "a: b\n"})
    assert "decrypt" not in world.run("--explain", SOPS_AGE_KEY_FILE="/nonexistent").stderr
    world.must(SOPS_AGE_KEY_FILE="/nonexistent")


KSOPS = """\
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: secrets
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ksops
files: [./one.enc.yaml, deep/two.yaml]
"""


HASH = "kustomize.config.k8s.io/needs-hash: '{}'"
BEHAVIOR = "kustomize.config.k8s.io/behavior: {}"
GENERATED_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {{name: {name}, labels: {{own: "yes"}}, annotations: {{stays: x, {annotations}}}}}
{content}
"""
OF_BASE = """\
apiVersion: v1
kind: Secret
metadata: {name: kept, labels: {of: base}, annotations: {of: base}}
type: example.com/old
data: {old: b2xk, a: b2xk}
---
apiVersion: v1
kind: Pod
metadata: {name: pod, labels: {a: b}}
spec:
  containers:
  - {name: c, image: x, envFrom: [{secretRef: {name: kept}}, {secretRef: {name: made}}, {secretRef: {name: new}}]}
"""
GENERATED = {
    "a name with a hash": (HASH.format("true"), "stringData: {a: x}", "new"),
    "a name without one": (HASH.format("false"), "stringData: {a: x}", "new"),
    "create": (BEHAVIOR.format("create"), "data: {a: eA==}", "new"),
    "merge": (BEHAVIOR.format("merge"), "data: {a: bmV3, c: eA==}", "kept"),
    "merge with texts": (BEHAVIOR.format("merge"), "stringData: {a: new}", "kept"),
    "replace": (BEHAVIOR.format("replace"), "type: example.com/new\ndata: {c: eA==}", "kept"),
    "replace with texts": (BEHAVIOR.format("replace"), "stringData: {a: new}", "kept"),
    "merge of what was generated": (f"{BEHAVIOR.format('merge')}, {HASH.format('true')}", "data: {b: Mw==}", "made"),
    "replace without a hash": (BEHAVIOR.format("replace"), "data: {b: Mw==}", "made"),
}
NOT_GENERATED = {
    "neither true nor false": (
        HASH.format("maybe"),
        "Secret",
        "5.7.1",
        "the annotation kustomize.config.k8s.io/needs-hash is neither true nor false",
    ),
    "another behavior": (
        BEHAVIOR.format("add"),
        "Secret",
        "5.7.1",
        "the annotation kustomize.config.k8s.io/behavior is none of create, merge, replace",
    ),
    "a kind without data": (
        BEHAVIOR.format("merge"),
        "Pod",
        "5.7.1",
        "the annotation kustomize.config.k8s.io/behavior is for Secret and ConfigMap, and this is a Pod",
    ),
    "a hash with an old version": (
        HASH.format("true"),
        "Secret",
        "3.8.7",
        "kustomize 3.8.7 has no needs-hash for a resource",
    ),
}


class TestKsops:
    @pytest.mark.parametrize("version", ENDS)
    @pytest.mark.parametrize("is_inline", [False, True])
    def test_its_files_become_resources(self, version: str, world: KustomizeRepository, *, is_inline: bool) -> None:
        text = "|-\n" + "".join(f"    {line}\n" for line in KSOPS.splitlines()) if is_inline else "ksops.yaml\n"
        values = [token("one"), token("two")]
        world.write(
            {
                f"{OVERLAY}/kustomization.yaml": "resources: [../../../namespaces/web]\nnamePrefix: dev-\n",
                "kustomization.yaml": f"resources: [config.yaml]\ngenerators:\n- {text}- other.yaml\n",
                "config.yaml": CONFIG,
                "ksops.yaml": KSOPS,
                "other.yaml": (
                    "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: gen}\nliterals: [a=b]\n"
                ),
            }
        )
        world.seal(
            {
                "one.enc.yaml": SECRET.format(name="one", key="a", value=values[0]),
                f"{BASE}/deep/two.yaml": SECRET.format(name="two", key="a", value=values[1]),
            }
        )
        ours = world.must(version=version)
        by_hand = world.by_hand(OVERLAY, version).decrypt(f"{BASE}/one.enc.yaml", f"{BASE}/deep/two.yaml")
        (by_hand.root / BASE / "kustomization.yaml").write_text(
            "resources: [config.yaml, one.enc.yaml, deep/two.yaml]\ngenerators: [other.yaml]\n"
        )
        assert same(ours, by_hand.build())
        assert all(value in ours for value in values)

    def test_a_file_that_is_not_encrypted(self, world: KustomizeRepository) -> None:
        world.write({"kustomization.yaml": "generators: [ksops.yaml]\n", "ksops.yaml": KSOPS, "one.enc.yaml": CONFIG})
        world.seal({f"{BASE}/deep/two.yaml": CONFIG})
        assert world.refused() == [
            "cmp: this file is not encrypted, but ksops is to decrypt it",
            "  where: application web, cluster dev, namespaces/web/one.enc.yaml",
            (
                "  hint: encrypt it with `sops encrypt --in-place namespaces/web/one.enc.yaml`, and change what it "
                "held: it is in Git's history"
            ),
        ]

    @pytest.mark.parametrize("case", GENERATED)
    def test_annotations_for_generators_do_what_they_do_with_ksops(self, case: str, world: KustomizeRepository) -> None:
        annotations, content, name = GENERATED[case]
        text = GENERATED_SECRET.format(annotations=annotations, content=content, name=name)
        world.write(
            {
                f"{OVERLAY}/kustomization.yaml": (
                    "resources: [../../../namespaces/web]\ngenerators: [ksops.yaml]\nnamePrefix: dev-\n"
                    "patches: [{target: {kind: Secret}, patch: '- {op: add, path: /metadata/labels/late, value: l}'}]\n"
                ),
                f"{OVERLAY}/ksops.yaml": KSOPS.replace("./one.enc.yaml, deep/two.yaml", "one.enc.yaml"),
                "kustomization.yaml": (
                    "resources: [base.yaml]\n"
                    "secretGenerator: [{name: made, literals: [a=1, b=2], options: {labels: {l: made}}}]\n"
                ),
                "base.yaml": OF_BASE,
            }
        )
        world.seal({f"{OVERLAY}/one.enc.yaml": text})
        ours = world.must(version="5.7.1")
        by_hand = world.by_hand(OVERLAY, "5.7.1")
        (by_hand.folder / "ksops.yaml").write_text(KSOPS.replace("path: ksops", "path: ./ksops.sh"))
        items = "".join(f"  {line}\n" for line in text.splitlines()).replace("  apiVersion", "- apiVersion", 1)
        printed = f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}"
        (by_hand.folder / "ksops.sh").write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{printed}END\n")
        (by_hand.folder / "ksops.sh").chmod(0o755)
        assert objects(ours) == objects(by_hand.build("--enable-alpha-plugins", "--enable-exec"))

    @pytest.mark.parametrize("version", VERSIONS)
    def test_no_hash_is_what_every_version_gives(self, version: str, world: KustomizeRepository) -> None:
        world.write({"kustomization.yaml": "generators: [k.yaml]\n", "k.yaml": KSOPS.replace(", deep/two.yaml", "")})
        text = GENERATED_SECRET.format(annotations=HASH.format("false"), content="data: {a: eA==}", name="plain")
        world.seal({"one.enc.yaml": text})
        (made,) = maps(world.must(version=version))
        assert made["metadata"] == {"name": "plain", "labels": {"own": "yes"}, "annotations": {"stays": "x"}}

    @pytest.mark.parametrize("case", NOT_GENERATED)
    def test_annotations_that_mean_nothing(self, case: str, world: KustomizeRepository) -> None:
        annotations, kind, version, said = NOT_GENERATED[case]
        world.write({"kustomization.yaml": "generators: [k.yaml]\n", "k.yaml": KSOPS.replace(", deep/two.yaml", "")})
        text = GENERATED_SECRET.format(annotations=annotations, content="data: {a: eA==}", name="plain")
        world.seal({"one.enc.yaml": text.replace("kind: Secret", f"kind: {kind}")})
        assert world.refused(version=version)[0] == f"cmp: {said}"


@pytest.mark.parametrize("version", VERSIONS)
def test_what_kustomize_quotes_of_a_secret_is_masked(version: str, world: KustomizeRepository) -> None:
    value = token("quoted")
    world.write({"kustomization.yaml": "resources: [config.yaml, secret.yaml]\n", "config.yaml": CONFIG})
    world.seal({"secret.yaml": f"apiVersion: v1\nmetadata: {{name: {value}}}\n"})
    said = "\n".join(world.refused(version=version))
    assert value not in said
    assert MASK in said


READ = "cat namespaces/web/secret.yaml"
FAULTS = {
    "complains": f"#!/bin/sh\n{READ} >&2\nexit 1\n",
    "warns": f"#!/bin/sh\n{READ} >&2\nprintf '%s\\n' 'apiVersion: v1' 'kind: Secret' 'metadata: {{name: x}}'\n",
    "is killed": f"#!/bin/sh\n{READ} >&2\nkill -KILL $$\n",
    "prints garbage": f"#!/bin/sh\n{READ} | sed 's/^/x: *&/'\n",
    "prints a list": f"#!/bin/sh\n{READ} | sed 's/^/- /'\n",
}
SILENT = "is killed"


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_broken_kustomize_says_is_masked(name: str, world: KustomizeRepository) -> None:
    value = token("broken")
    world.write({"kustomization.yaml": "resources: [secret.yaml]\n"})
    world.seal({"secret.yaml": SECRET.format(name="x", key="y", value=value)})
    world.install(FAULTS[name])
    ran = world.run()
    assert value not in ran.stderr
    assert (MASK in ran.stderr) is (name != SILENT), ran.stderr
    assert value not in ran.stdout
    assert find_plaintext([world.sandbox.folder], [value]) == []


TELLS = """\
#!/bin/sh
echo "argv: $*" >&2
env >&2
exit 1
"""


@pytest.mark.parametrize(
    ("config", "argv"),
    [("{}", "build clusters/dev/web"), ("kustomize: {images: [a=b]}", "edit set image a=b")],
)
def test_what_kustomize_is_given_holds_no_secret_and_no_key(config: str, argv: str, everywhere: Everywhere) -> None:
    world = everywhere.world
    world.write({f"{OVERLAY}/cmp-app.yaml": config})
    world.install(TELLS)
    said = world.run().stderr
    assert f"argv: {argv}\n" in said
    assert "HOME=" in said
    assert "SOPS_AGE_KEY_FILE" not in said
    assert MASK not in said
    assert everywhere.in_clear(said) == set()


@pytest.mark.parametrize("door", ["render", "generate"])
@pytest.mark.parametrize("signum", ["TERM", "KILL", "INT"])
def test_a_signal_leaves_nothing(signum: str, door: str, everywhere: Everywhere) -> None:
    world = everywhere.world
    world.install_fake("never-ends")
    with world.started(door) as process:
        wait_until(lambda: any("sleep" in arguments for arguments in processes_of(str(world.sandbox.folder)).values()))
        assert everywhere.leaked() != []  # in the private copy, by now
        os.kill(process.pid, {"TERM": 15, "KILL": 9, "INT": 2}[signum])
        process.wait(10)
    wait_until(lambda: not processes_of(str(world.sandbox.folder)))
    if signum == "KILL" and door == "render":  # the next run sweeps
        world.write({"clusters/dev/calm/.keep": "", "namespaces/calm/config.yaml": CONFIG})
        assert world.sandbox.run("render", "calm", "--cluster", "dev", cwd=world.root).code == 0
    assert everywhere.leaked() == []


def test_the_deadline_ends_kustomize(everywhere: Everywhere) -> None:
    world = everywhere.world
    world.install_fake("never-ends")
    assert world.refused(CMP_DEADLINE="4")[:2] == [
        "cmp: kustomize build was still running when the deadline of 4 s passed",
        "  where: application web, cluster dev, phase kustomize",
    ]
    assert everywhere.leaked() == []
    assert not processes_of(str(world.sandbox.folder))
