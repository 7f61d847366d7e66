"""Plain manifests: which files are read, and what becomes of their bytes; more in tests/fixtures/plain."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp import yamldoc
from cmp.engines import plain
from cmp.errors import ConfigError
from cmp.model import Parameters
from cmp.render.unread import unread
from tests.support.interrupted_render import DOORS, InterruptibleApplication, Sealed, ended, stopped_by
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.leaks import find_plaintext, wait_until
from tests.support.trees import plant, request, resolve

if TYPE_CHECKING:
    from cmp.model import Instance
    from tests.support.go_yaml import GoYaml
    from tests.support.harness import Ran, Sandbox

APP, DEV = "namespaces/shop", "clusters/dev/shop"
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: unique-token-4Tq8}\n"


def manifest(name: str) -> str:
    return MANIFEST.format(name)


def planted(root: Path, files: dict[str, str], options: str = "") -> Instance:
    """Resolve `shop` on `dev` with these files in the application's folder."""
    inside = {f"{APP}/{name}": text for name, text in files.items()}
    own = {f"{APP}/cmp-app.yaml": f"plain: {{{options}}}\n"} if options else {}
    return resolve(plant(root, {f"{DEV}/.keep": "", **inside, **own}))


def names(instance: Instance) -> list[str]:
    return [path.removeprefix(f"{instance.folder}/") for path in instance.manifest_files]


class TestFiles:
    def test_yaml_and_json_are_read_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        files = dict.fromkeys(
            ("b.yml", "a.yaml", "C.json", "c.json", "x.txt", "x.jsonnet", "x.yaml.bak", ".h.yaml"), ""
        )
        instance = planted(tmp_path, files)
        assert instance.engines == ("plain",)
        assert names(instance) == ["C.json", "a.yaml", "b.yml", "c.json"]
        assert instance.warnings == ()

    def test_folders_below_are_read_in_the_place_of_their_names(self, tmp_path: Path) -> None:
        instance = planted(tmp_path, dict.fromkeys(("a.yaml", "b/z.yaml", "b/c/y.yaml", "c.yaml"), ""), "recurse: true")
        assert names(instance) == ["a.yaml", "b/c/y.yaml", "b/z.yaml", "c.yaml"]

    def test_values_files_of_any_cluster_are_left_out(self, tmp_path: Path) -> None:
        tree = plant(
            tmp_path,
            {
                "cmp.yaml": "version: 1\nlayout: {values: ['namespaces/{app}/{env}.yaml']}\n"
                "clusters: {dev: {env: test}, prod: {env: live}}\n",
                f"{APP}/test.yaml": "",
                f"{APP}/live.yaml": "",
                f"{APP}/deep/all.yaml": "",
                f"{DEV}/.keep": "",
            },
        )
        with pytest.raises(ConfigError, match=f"the folder {APP} has no file of an engine"):
            resolve(tree)

    def test_folders_of_other_applications_and_instances_are_theirs(self, tmp_path: Path) -> None:
        tree = plant(
            tmp_path,
            {
                "cmp.yaml": "version: 1\n"
                "layout: {apps: 'apps/{app}', instances: 'apps/{app}/on-{cluster}', values: []}\n",
                "apps/shop/a.yaml": "",
                "apps/shop/cmp-app.yaml": "plain: {recurse: true}\n",
                "apps/shop/on-dev/.keep": "",
                "apps/shop/on-prod/b.yaml": "",
                "apps/shop/more/c.yaml": "",
            },
        )
        assert names(resolve(tree)) == ["a.yaml", "more/c.yaml"]
        assert resolve(tree, request(cluster="prod")).manifest_files == ("apps/shop/on-prod/b.yaml",)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ("include: ['a*.yaml']", ["a.yaml", "ab.yaml"]),
            ("exclude: ['a*.yaml']", ["b.yaml"]),
            ("include: ['*.yaml'], exclude: [a.yaml]", ["ab.yaml", "b.yaml"]),
            ("include: ['{app}*.yaml', 'b.yaml']", ["b.yaml"]),
            ("include: ['**/*.yaml'], recurse: true", ["a.yaml", "ab.yaml", "b.yaml", "d/a.yaml"]),
            ("exclude: ['d/**'], recurse: true", ["a.yaml", "ab.yaml", "b.yaml"]),
            ("include: ['*/a.yaml'], recurse: true", ["d/a.yaml"]),
        ],
    )
    def test_patterns_choose(self, tmp_path: Path, options: str, expected: list[str]) -> None:
        instance = planted(tmp_path, dict.fromkeys(("a.yaml", "ab.yaml", "b.yaml", "d/a.yaml"), ""), options)
        assert names(instance) == expected

    def test_what_patterns_leave_out_is_left_out_on_purpose(self, tmp_path: Path) -> None:
        assert planted(tmp_path, {"a.yaml": "", "b.yaml": ""}, "exclude: [b.yaml]").warnings == ()

    def test_a_fact_in_a_pattern_must_be_known(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            planted(tmp_path, {"a.yaml": ""}, "include: ['{env}.yaml']")
        assert caught.value.lines() == [
            "cmp: the pattern `{env}.yaml` needs {env}, which is not known of cluster dev",
            "  where: application shop, cluster dev, plain.include",
            "  hint: known are app, cluster; give the cluster the fact env in the inventory",
        ]

    def test_another_engine_goes_first(self, tmp_path: Path) -> None:
        instance = planted(tmp_path, {"Chart.yaml": "name: x\n", "a.yaml": ""})
        assert (instance.engines, instance.manifest_files) == (("helm",), ())
        tree = plant(tmp_path, {f"{DEV}/dev.yaml": ""})
        with pytest.raises(ConfigError, match=f"nothing uses the file {DEV}/dev.yaml"):
            resolve(tree)

    def test_it_can_be_asked_for_beside_a_chart(self, tmp_path: Path) -> None:
        files = {
            f"{APP}/Chart.yaml": "",
            f"{APP}/a.yaml": "",
            f"{APP}/cmp-app.yaml": "engine: plain\n",
            f"{DEV}/.k": "",
        }
        instance = resolve(plant(tmp_path, files))
        assert (instance.engines, names(instance)) == (("plain",), ["Chart.yaml", "a.yaml"])

    def test_values_files_are_no_layers(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {f"{APP}/a.yaml": "", f"{APP}/common-values-shop.yaml": "a: 1\n", f"{DEV}/.keep": ""})
        instance = resolve(tree)
        assert instance.layers == ()
        assert [*unread(instance, plain.needs(tree, instance))] == [
            f"nothing reads the values file {APP}/common-values-shop.yaml: plain manifests take no values"
        ]

    def test_no_tool_is_needed(self, tmp_path: Path) -> None:
        files = {f"{APP}/a.yaml": "", f"{DEV}/.keep": ""}
        tree = plant(tmp_path, files)
        needs = plain.needs(tree, resolve(tree))
        assert (needs.tools, needs.chart_folders, dict(needs.encryptable_files), needs.layer_transport) == (
            {},
            (),
            {f"{APP}/a.yaml": ()},
            "",
        )


class Shop:
    """The application `shop` of plain manifests, rendered by the command line."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        plant(self.root, {".git/HEAD": "", f"{DEV}/.keep": ""})

    def write(self, name: str, data: bytes) -> None:
        path = self.root / APP / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self, *argv: str) -> Ran:
        verb, *options = argv or ("render",)
        return self.sandbox.run(verb, "shop", "--cluster", "dev", *options, cwd=self.root)


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> bytes:
    return encrypt(sops_tool(tools_dir), tmp_path_factory.mktemp("s") / "s.yaml", SECRET, "--age", RECIPIENT)


class TestText:
    def test_it_is_printed_byte_by_byte(self, shop: Shop) -> None:
        text = manifest("a").replace("v1", " v1  # ひ").replace("\n", "\r\n") + "data:\r\n  x: 'y\r\n\r\n    z'\r\n"
        shop.write("a.yaml", text.encode())
        shop.write("b.yaml", manifest("b").rstrip("\n").encode())
        ran = shop.sandbox.run("render", "shop", "--cluster", "dev", cwd=shop.root)
        assert ran.stdout == f"---\n# Source: {APP}/a.yaml\n{text}---\n# Source: {APP}/b.yaml\n{manifest('b')}"

    @pytest.mark.parametrize("name", ["店.yaml", "a b.yaml", "a\u3000b.yaml", "a\tb.yaml", "a\nb.yaml"])
    def test_the_name_of_its_file_stays_on_one_line(self, shop: Shop, name: str) -> None:
        shop.write(name, manifest("a").encode())
        ran = shop.run()
        shown = name if name[0] == "店" or " " in name else ascii(name)[1:-1]
        assert (ran.code, ran.stdout) == (0, f"---\n# Source: {APP}/{shown}\n{manifest('a')}"), ran.stderr

    def test_the_summary_names_no_version(self, shop: Shop) -> None:
        shop.write("a.yaml", manifest("a").encode())
        assert shop.run().first_line == "cmp: shop on dev: 1 object by plain, charts 0/0 without network, N ms"
        assert "application shop, cluster dev, folder namespaces/shop\n" in shop.run("render", "--explain").stderr

    def test_it_needs_no_store_and_no_network(self, shop: Shop) -> None:
        shop.sandbox.tools_dir = str(shop.sandbox.folder / "no-store")
        shop.write("a.yaml", manifest("a").encode())
        shop.sandbox.extra["CMP_OFFLINE"] = "1"
        assert shop.run().code == 0

    def test_other_commands_know_it(self, shop: Shop) -> None:
        shop.write("a.yaml", manifest("a").encode())
        table = shop.sandbox.run("apps", cwd=shop.root)
        assert table.stdout.splitlines()[1].split() == ["shop", "dev", "plain", APP, "0"]
        doctor = shop.sandbox.run("doctor", cwd=shop.root)
        assert doctor.code == 0, doctor.stdout + doctor.stderr
        values = shop.run("values")
        assert (values.code, values.stdout) == (3, "")
        assert values.first_line == "cmp: plain renders this application, and there are no Helm values"


class TestPlaces:
    """An error about an object names the line of its file."""

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("a: 1\n", "b.yaml:1"),
            ("# comment\n\n---\na: 1\n", "b.yaml:4"),
            (f"{MANIFEST}---\n{MANIFEST}a: 1\na: 2\n", "b.yaml:9"),
            (f"{MANIFEST}---\n{MANIFEST}a: [\n", "b.yaml:9"),
            ("---\n# Source: web/templates/x.yaml\na: 1\n", "b.yaml:2"),
            (f"{MANIFEST}--- text\n", "b.yaml:4"),
        ],
    )
    def test_a_mistake(self, shop: Shop, text: str, place: str) -> None:
        shop.write("a.yaml", manifest("first").encode())
        shop.write("b.yaml", text.replace("{{name: {}}}", "{name: x}").encode())
        shop.write("c.yaml", manifest("last").encode())
        ran = shop.run()
        assert (ran.code, ran.stdout) == (8, "")
        assert f"{APP}/{place}" in ran.stderr
        assert "of the output" not in ran.stderr

    def test_the_same_object_twice(self, shop: Shop) -> None:
        shop.write("a.yaml", manifest("a").encode())
        shop.write("b.yaml", f"{manifest('b')}---\n{manifest('a')}".encode())
        ran = shop.run()
        told = f"ConfigMap a stands twice with the same content ({APP}/a.yaml:1 and {APP}/b.yaml:5)"
        assert (ran.code, ran.first_line) == (0, f"cmp: warning: {told}")


def test_explain_lists_the_files(shop: Shop, token: bytes) -> None:
    shop.write("a.yaml", manifest("a").encode())
    shop.write("b.secret.yaml", token)
    said = shop.run("render", "--explain").stderr
    assert f"files, in order:\n  {APP}/a.yaml\n  {APP}/b.secret.yaml  (decrypted)\ntools:\n" in said


def test_a_policy_is_asked_before_a_file_is_decrypted(shop: Shop, token: bytes) -> None:
    shop.write("a.yaml", manifest("a").encode())
    (shop.root / "namespaces/bank").mkdir()
    (shop.root / "namespaces/bank/s.secret.yaml").write_bytes(token)
    (shop.root / APP / "s.yaml").symlink_to("../bank/s.secret.yaml")
    policy = shop.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\napplications: [{projects: [shop], folders: ['*/shop', '*/*/shop']}]\n")
    argo = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "shop", "ARGOCD_APP_PROJECT_NAME": "shop"}
    shop.sandbox.extra |= {**argo, "ARGOCD_APP_SOURCE_PATH": DEV, "CMP_POLICY": str(policy)}
    ran = shop.sandbox.run("generate", cwd=shop.root / DEV)
    assert (ran.code, ran.stdout) == (3, "")
    through = f"namespaces/bank/s.secret.yaml (through {APP}/s.yaml)"
    assert ran.first_line == f"cmp: AppProject shop may not decrypt {through}"
    (shop.root / APP / "s.yaml").unlink()
    assert shop.sandbox.run("generate", cwd=shop.root / DEV).code == 0


class TestSecrets:
    def test_an_encrypted_file_is_decrypted_in_the_private_copy_only(self, shop: Shop, token: bytes) -> None:
        shop.write("deep/s.secret.yaml", token)
        shop.write("cmp-app.yaml", b"plain: {recurse: true}\n")
        ran = shop.run()
        assert "token: unique-token-4Tq8" in ran.stdout
        assert "sops" not in ran.stdout
        assert find_plaintext([shop.sandbox.folder], ["unique-token-4Tq8"]) == []
        assert list(shop.sandbox.tmp.iterdir()) == []

    def test_what_the_guard_says_of_it_is_masked(self, shop: Shop, token: bytes, tools_dir: str) -> None:
        text = "unique-token-4Tq8: 1\nkind: unique-token-4Tq8\nmetadata: {name: x}\n"
        data = encrypt(sops_tool(tools_dir), shop.sandbox.folder / "s.yaml", text, "--age", RECIPIENT)
        (shop.sandbox.folder / "s.yaml").unlink()
        shop.write("a.secret.yaml", data)
        shop.write("b.secret.yaml", token)
        ran = shop.run()
        assert (ran.code, ran.stdout) == (8, "")
        assert "unique-token" not in ran.stderr
        assert f"{APP}/a.secret.yaml" in ran.stderr


class PlainPatient(InterruptibleApplication):
    """That application with its encrypted files as manifests, to be ended while sops decrypts."""

    def plant(self, sealed: Sealed) -> None:
        super().plant(sealed)
        shutil.rmtree(self.chart)
        shutil.rmtree(self.root / DEV)
        for name, data in sealed.files.items():
            if name.endswith(".key"):
                self.write({f"{APP}/{Path(name).stem}.json": data})
        self.write({f"{DEV}/.keep": b""})


@pytest.fixture
def plain_patient(sandbox: Sandbox, sealed: Sealed) -> PlainPatient:
    return PlainPatient(sandbox, sealed)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=lambda signum: signum.name)
def test_a_signal_leaves_nothing(signum: signal.Signals, door: str, plain_patient: PlainPatient) -> None:
    plain_patient.install_fake("sops", "holds-plaintext")
    where = f"in phase secrets, waiting for sops for {APP}/slow.json"
    with plain_patient.unharmed():
        with plain_patient.started(door) as process:
            wait_until(plain_patient.holds_upload)
            process.send_signal(signum)
            assert ended(process) == stopped_by(signum, where, door)
        if signum == signal.SIGKILL:
            wait_until(lambda: not plain_patient.processes())
            plain_patient.render_calmly()


def test_a_deadline_names_the_file_that_was_slow(plain_patient: PlainPatient) -> None:
    plain_patient.install_fake("sops", "holds-plaintext")
    with plain_patient.unharmed():
        ran = plain_patient.run_to_the_end(CMP_DEADLINE="4")
    what = f"cmp: sops for {APP}/slow.json was still running when the deadline of 4 s passed"
    assert (ran.code, ran.stdout, ran.stderr.splitlines()[0]) == (9, "", what)


# What Argo CD's Go code reads of a JSON file by its JSON decoder, it must read of our stream by its YAML parser.

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("is_ascii", [True, False])
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_json_means_to_yaml_what_it_says(go: GoYaml, is_ascii: bool, value: Any) -> None:  # noqa: ANN401, FBT001  # any JSON
    text = json.dumps({"a": value}, ensure_ascii=is_ascii).replace("/", "\\/").encode()
    stream = plain._text("x.json", text)  # noqa: SLF001  # the whole way would take an hour
    answer = go.ask(stream)
    assert answer.error == ""
    assert json.loads(answer.document) == {"a": value}
    assert yamldoc.parse(stream)[0].value == {"a": value}


def test_json_that_is_no_text_is_refused_with_its_file(shop: Shop) -> None:
    shop.write("a.json", b'{"a": "\xff"}')
    ran = shop.run()
    assert (ran.code, ran.stdout) == (8, "")
    assert f"{APP}/a.json" in ran.stderr


def test_parameters_have_no_effect_and_that_is_said(tmp_path: Path) -> None:
    plant(tmp_path, {f"{APP}/a.yaml": manifest("a"), f"{DEV}/.keep": ""})
    asked = request(parameters=Parameters(set_values=(("a", "1"),), values_yaml="a: 1"))
    instance = resolve(plant(tmp_path, {}), asked)
    assert [*plain._warnings(instance)] == [  # noqa: SLF001
        "plain: nothing uses set, values-yaml: plain manifests take no parameters"
    ]
