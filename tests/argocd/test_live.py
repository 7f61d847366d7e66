"""`cmp diff --live`: releases that the real helm has installed, compared with what Argo CD would apply."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
from base64 import b64decode, b64encode
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import pytest

from tests.argocd.cluster import AUDIT
from tests.argocd.releases import Reader, account, helm
from tests.argocd.trees import CMP
from tests.support.harness import Sandbox, snapshot
from tests.support.keys import sealed
from tests.support.leaks import wait_until
from tests.support.versions import NEWEST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.releases import Helm
    from tests.argocd.world import ArgoCD

PASSWORD = "correct-horse-battery"  # in clear in Git
LIVE = "staple-of-yesterday"
IN_GIT = "battery-of-tomorrow"  # encrypted
ONLY_LIVE = "note-of-nobody"
HUNDREDS = 300
API_KEY = "k3y-0f-the-release"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.test/web:1
          env: [{name: DSN, value: "db://web:{{ .Values.password }}@db"}]
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-db}
stringData: {password: {{ .Values.password | quote }}}
"""
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: example.test/migrate}]}}}
"""
TEST_HOOK = """\
apiVersion: v1
kind: Pod
metadata: {name: smoke, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: smoke, image: example.test/smoke}]}
"""
KEPT = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{ .Release.Name }}-data, annotations: {helm.sh/resource-policy: keep}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
CHART: dict[str, str | bytes | None] = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "values.yaml": f"replicas: 2\npassword: {PASSWORD}\n",
    "templates/web.yaml": WEB,
    "templates/secret.yaml": SECRET,
}


class Shop:
    """A repository with an application `shop`, which is in a namespace of its own."""

    def __init__(self, argocd: ArgoCD, repository: Repository, tools_dir: str, folder: Path, namespace: str) -> None:
        self.argocd = argocd
        self.repository = repository
        self.tools_dir = tools_dir
        self.namespace = namespace
        self.folder = folder
        self.chart = repository.folder / "namespaces/shop"
        self.sandbox = Sandbox(folder / "sandbox", tools_dir)
        self.write({})

    def write(self, files: dict[str, str | bytes | None]) -> None:
        """Commit the chart, with other files of it."""
        chart = {f"namespaces/shop/{name}": text for name, text in {**CHART, **files}.items() if text is not None}
        settings = f"applications:\n  - {{apps: shop, namespace: {self.namespace}}}\n"
        self.repository.commit({"cmp.yaml": CMP + settings, "clusters/dev/shop/.keep": "", **chart})

    def helm(self, version: str = "3.18.6") -> Helm:
        return helm(self.argocd, self.tools_dir, version)

    def install(self, *options: str, version: str = "3.18.6") -> None:
        self.helm(version).install("shop", self.chart, self.namespace, *options)

    def reader(self) -> Reader:
        """Return one who may get and list Secrets of the namespace, and nothing else in the cluster."""
        kubeconfig = account(self.argocd.kube, self.namespace, self.folder)
        return Reader(self.sandbox, kubeconfig, self.repository.folder)


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, argocd: ArgoCD, repository: Repository, tools_dir: str, tmp_path: Path
) -> Shop:
    """Return an application in a namespace that has the name of the test."""
    namespace = request.node.originalname.removeprefix("test_").replace("_", "-")[:60].strip("-")
    return Shop(argocd, repository, tools_dir, tmp_path, namespace)


@pytest.mark.parametrize("version", ["3.18.6", NEWEST["helm"]])
def test_a_release_that_git_renders_alike_is_no_difference(shop: Shop, version: str) -> None:
    shop.install(version=version)

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 0, ran.stdout + ran.stderr
    assert "Manifest diff: no manifest changes" in ran.stdout
    assert "Compared: live in context test → " in ran.stdout
    assert "1 pair of app and cluster: 1 rendered" in ran.stdout


def test_a_difference_of_values_shows_in_the_objects_and_no_secret_does(shop: Shop) -> None:
    shop.install("--set", f"replicas=3,password={LIVE}")

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 1, ran.stderr
    assert "-  replicas: 3" in ran.stdout
    assert "+  replicas: 2" in ran.stdout
    assert LIVE not in ran.stdout + ran.stderr
    assert 'value: "db://web:‹secret 1›@db"' in ran.stdout


def test_what_a_secret_of_the_release_holds_is_masked_where_else_it_stands(shop: Shop) -> None:
    """The text of a Secret that no option gave, and that no key of the values calls secret."""
    told = {
        "templates/secret.yaml": SECRET.replace(".password", ".word"),
        "templates/web.yaml": WEB.replace(".password", ".word"),
    }
    shop.write({**told, "values.yaml": f"replicas: 2\nword: {LIVE}\n"})
    shop.install()
    shop.write({**told, "values.yaml": f"replicas: 2\nword: {PASSWORD}\n"})

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 1, ran.stderr
    assert "value word" not in ran.stdout
    assert 'value: "db://web:‹secret 1›@db"' in ran.stdout
    assert LIVE not in ran.stdout + ran.stderr


def test_values_are_compared_with_the_layer_that_sets_them_and_no_secret_shows(shop: Shop) -> None:
    shop.write({"templates/secret.yaml": SECRET, "values.yaml": f"replicas: 2\npassword: {PASSWORD}\ntier: one\n"})
    layers = {"namespaces/shop/common-values.yaml": "tier: two\nonlyGit: 5\n"}
    sealed_layer = sealed(shop.tools_dir, "common-values.secret.yaml", f"password: {IN_GIT}\n")
    shop.repository.commit({**layers, "namespaces/shop/common-values.secret.yaml": sealed_layer})
    shop.install("--set", f"password={LIVE},tier=three,note={ONLY_LIVE},apiKey={API_KEY}")
    reader = shop.reader()

    hidden = reader.diff("shop", "--cluster", "dev")
    shown = reader.diff("shop", "--cluster", "dev", "--show-live-values")
    others = [reader.diff("shop", "--cluster", "dev", "--format", kind) for kind in ("json", "markdown", "html")]

    assert hidden.code == 1, hidden.stderr
    common, secret = (f"namespaces/shop/common-values{suffix}.yaml" for suffix in ("", ".secret"))
    assert "values: 2 differ, 2 only live, 1 only in Git" in hidden.stdout
    assert f"value onlyGit: only in Git, 5 ({common}:2)" in hidden.stdout
    assert f"value tier: live three, in Git two ({common}:1)" in hidden.stdout
    assert re.search(rf"value password: live ‹secret \d+›, in Git ‹secret \d+› \({secret}:1\)", hidden.stdout)
    assert re.search(r"value note: only live, ‹secret \d+›", hidden.stdout)
    assert f"{secret}:1 sets password to" in hidden.stdout, "the cause of the changed objects"
    assert f"value note: only live, {ONLY_LIVE}" in shown.stdout
    for ran in (hidden, shown, *others):
        assert [text for text in (LIVE, IN_GIT, API_KEY) if text in ran.stdout + ran.stderr] == []
    for ran in (hidden, *others):
        assert ONLY_LIVE not in ran.stdout + ran.stderr
    files = [path.read_bytes() for path in shop.sandbox.folder.rglob("*") if path.is_file()]
    secrets = [text.encode() for text in (LIVE, IN_GIT, API_KEY, ONLY_LIVE)]
    assert [text for text in secrets if any(text in data for data in files)] == [], "no cache, log or temporary file"


def test_what_is_written_as_a_layer_makes_git_equal_but_for_secrets(shop: Shop) -> None:
    shop.install("--set", f"replicas=5,password={LIVE},note={ONLY_LIVE},list={{a,b}}")
    reader = shop.reader()
    file = "namespaces/shop/common-values.yaml"

    ran = reader.diff("shop", "--cluster", "dev", "--write-values", file)

    assert ran.code == 1, ran.stderr
    assert f"4 values written to {file}\npassword is not written: it is secret\n" in ran.stderr
    text = (reader.folder / file).read_text()
    assert text.endswith(f"\nlist:\n- a\n- b\nnote: {ONLY_LIVE}\nreplicas: 5\n")
    assert LIVE not in text + ran.stdout + ran.stderr
    shop.repository.commit()
    after = reader.diff("shop", "--cluster", "dev")
    assert "values: 1 only live" in after.stdout
    assert "-  replicas" not in after.stdout


def test_only_secrets_of_the_namespace_are_read_and_nothing_is_written(shop: Shop) -> None:
    shop.write({"templates/hook.yaml": HOOK})
    shop.install()
    reader = shop.reader()
    before = snapshot(reader.folder)

    assert reader.diff("shop", "--cluster", "dev").code == 0

    user = f"system:serviceaccount:{shop.namespace}:"
    events = [json.loads(line) for line in (shop.argocd.kube.config.parent / AUDIT).read_text().splitlines()]
    asked = {
        (event["verb"], event.get("objectRef", {}).get("resource", event["requestURI"]))
        for event in events
        if event["user"]["username"].startswith(user)
    }
    assert asked <= {("get", "/version"), ("get", "secrets"), ("list", "secrets")}
    assert ("list", "secrets") in asked
    assert snapshot(reader.folder) == before
    assert [path for path in shop.sandbox.home.rglob("*") if path.is_file()] == []


def test_hooks_kept_objects_and_definitions_are_told(shop: Shop) -> None:
    definition = shop.argocd.kube.get("CustomResourceDefinition", "appprojects.argoproj.io")
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "carts.shop.example.test"},
        "spec": {
            "group": "shop.example.test",
            "names": {"kind": "Cart", "plural": "carts"},
            "scope": "Namespaced",
            "versions": [{**definition["spec"]["versions"][0], "name": "v1"}],
        },
    }
    shop.write({"templates/hook.yaml": HOOK, "templates/kept.yaml": KEPT, "crds/cart.json": json.dumps(crd)})
    shop.install()

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 1, ran.stderr
    assert "Job shop-migrate: a hook of helm that Argo CD runs before each sync (PreSync)" in ran.stdout
    assert "PersistentVolumeClaim shop-data: helm keeps it" in ran.stdout
    assert "CustomResourceDefinition carts.shop.example.test: helm installs what lies in crds/ once" in ran.stdout
    assert "1 distinct change" in ran.stdout


def test_what_git_no_longer_has_stays_on_the_cluster(shop: Shop) -> None:
    labelled = WEB.replace(
        "metadata: {name: {{ .Release.Name }}-web}", "metadata: {name: old, labels: {app.kubernetes.io/instance: shop}}"
    )
    shop.write({"templates/old.yaml": labelled, "templates/test.yaml": TEST_HOOK})
    shop.install()
    shop.repository.commit(dict.fromkeys(("namespaces/shop/templates/old.yaml", "namespaces/shop/templates/test.yaml")))

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 1, ran.stderr
    assert "Deployment old stays on the cluster, where nobody manages it" in ran.stdout
    assert "Deployment old: not in Git under that name; it stays on the cluster" in ran.stdout
    assert "where Argo CD tracks by label (its default before 3.0), an Application named shop" in ran.stdout
    assert "workload-removed" not in ran.stdout
    assert "Pod/smoke" in ran.stdout
    assert "Pod smoke: not in Git" not in ran.stdout, "a hook is no part of what runs"
    assert "Pod smoke stays" not in ran.stdout


def test_a_release_of_another_name_is_asked_for_by_it(shop: Shop) -> None:
    shop.helm().install("store", shop.chart, shop.namespace)
    reader = shop.reader()

    missing = reader.diff("shop", "--cluster", "dev")
    found = reader.diff("shop", "--cluster", "dev", "--release", f"{shop.namespace}/store")

    assert missing.code == 7
    assert "there is no such release: helm 3.18.6: release: not found" in missing.stdout
    assert f"where: phase release, release shop in namespace {shop.namespace}, context test" in missing.stdout
    assert found.code == 1, found.stderr
    assert f"the release is store in namespace {shop.namespace}, and Git renders shop in namespace" in found.stdout
    assert "Deployment/shop-web · renamed" in found.stdout


def test_a_release_of_another_namespace_is_never_a_success(shop: Shop) -> None:
    other = "another-namespace-than-in-git"
    shop.helm().install("shop", shop.chart, other)
    administrator = Reader(shop.sandbox, shop.argocd.kube.config, shop.repository.folder)

    ran = administrator.diff("shop", "--cluster", "dev", "--release", f"{other}/shop")

    assert ran.code == 1, ran.stdout + ran.stderr
    assert f"the release is shop in namespace {other}, and Git renders shop in namespace {shop.namespace}" in ran.stdout
    assert f"Deployment {other}/shop-web" in ran.stdout
    assert "not in Git under that name; it stays on the cluster" in ran.stdout


def test_a_newer_chart_in_git_is_told(shop: Shop) -> None:
    shop.install()
    shop.write({"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.1.0\n"})

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert "the release is of chart shop 1.0.0, and Git has shop 1.1.0" in ran.stdout


def test_a_failed_revision_is_compared_and_never_a_success(shop: Shop) -> None:
    shop.install()
    shop.helm()(
        "upgrade", "shop", str(shop.chart), "-n", shop.namespace, "--no-hooks", "--set", "replicas=many", code=1
    )

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 7, ran.stdout
    assert "cmp: revision 2 of the release is failed: the cluster may have other objects" in ran.stdout
    assert "-  replicas: many" in ran.stdout


def test_a_pending_revision_equal_to_git_is_never_a_success(shop: Shop) -> None:
    shop.write({"templates/hook.yaml": HOOK})
    shop.install()
    helm = shop.helm()
    argv = ("upgrade", "shop", str(shop.chart), "--namespace", shop.namespace)  # it waits for a hook that never ends
    with subprocess.Popen([helm.program, *argv], env=helm.env, stdout=DEVNULL, stderr=DEVNULL) as upgrade:
        wait_until(lambda: shop.argocd.kube.find("Job", "shop-migrate", shop.namespace) is not None)
        upgrade.kill()

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 7, ran.stdout
    assert "cmp: revision 2 of the release is pending-upgrade" in ran.stdout
    assert "no manifest that was compared changes, 1 new failure" in ran.stdout


def test_a_release_that_was_uninstalled_is_refused(shop: Shop) -> None:
    shop.install()
    shop.helm()("uninstall", "shop", "-n", shop.namespace, "--keep-history", "--no-hooks")

    ran = shop.reader().diff("shop", "--cluster", "dev")

    assert ran.code == 7, ran.stdout
    assert "the release is uninstalled (revision 1): nothing of it is live" in ran.stdout


def test_all_releases_and_all_applications_of_a_cluster_are_one_table(shop: Shop) -> None:
    shop.install("--set", "replicas=3")
    alike, new = (f"clusters/dev/{name}/.keep" for name in ("alike", "new"))
    for name in ("alike", "new"):
        chart = {f"namespaces/{name}/{file}": text for file, text in CHART.items()}
        settings = f"namespace: {shop.namespace}\n"
        shop.repository.commit({**chart, f"namespaces/{name}/cmp-app.yaml": settings})
    shop.repository.commit({alike: "", new: ""})
    shop.helm().install("alike", shop.repository.folder / "namespaces/alike", shop.namespace)
    shop.helm().install("stranger", shop.chart, shop.namespace)
    administrator = Reader(shop.sandbox, shop.argocd.kube.config, shop.repository.folder)

    ran = administrator.diff("--all", "--cluster", "dev")
    parsed = json.loads(administrator.diff("--all", "--cluster", "dev", "--format", "json").stdout)

    assert ran.code == 1, ran.stderr
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert rows[0][:2] == ["APPLICATION", "RELEASE"]
    own = [(row[0], row[1].partition("/")[2], " ".join(row[-2:])) for row in rows if shop.namespace in row[1]]
    assert own == [
        ("alike", "alike", "shop-1.0.0 equal"),
        ("new", "new", "no release"),
        ("shop", "shop", "shop-1.0.0 differs"),
        ("-", "stranger", "application here"),
    ]
    records = {one["release"]: one for one in parsed}
    assert records[f"{shop.namespace}/alike"]["status"] == "deployed"
    assert records[f"{shop.namespace}/alike"]["chart_live"] == "shop-1.0.0"


def test_missing_rights_on_other_namespaces_are_named(shop: Shop) -> None:
    shop.install()

    ran = shop.reader().diff("--all", "--cluster", "dev")

    assert (ran.code, ran.stdout) == (7, "")
    first, where, hint = ran.stderr.splitlines()
    assert first.startswith(
        "cmp: the user of this context may not read the release: helm 3.18.6: list: failed to list:"
    )
    assert where == "  where: the releases of all namespaces, context test"
    assert hint.endswith("for --all on all")


@pytest.mark.parametrize("version", ["3.18.6", NEWEST["helm"]])
def test_of_hundreds_of_releases_none_is_left_out(shop: Shop, version: str) -> None:
    """Helm 3 and 4 are asked otherwise for all, and both stop at 256 unless they are told not to."""
    shop.install()
    kube, name = shop.argocd.kube, "sh.helm.release.v1.shop.v1"
    record = kube.get("Secret", name, shop.namespace)
    for number in range(HUNDREDS):
        kube.apply(renamed(record, f"copy-{number}"))
    settings = (shop.repository.folder / "cmp.yaml").read_text().replace("3.18.6", version)
    shop.repository.commit({"cmp.yaml": settings})
    administrator = Reader(shop.sandbox, kube.config, shop.repository.folder)

    ran = administrator.diff("--all", "--cluster", "dev", "--format", "json")

    assert ran.code == 0, ran.stderr
    own = [one["state"] for one in json.loads(ran.stdout) if one["release"].startswith(f"{shop.namespace}/")]
    assert sorted(own) == ["equal", *["no application here"] * HUNDREDS]
    for number in range(HUNDREDS):
        kube.delete("Secret", name.replace("shop", f"copy-{number}"), shop.namespace)


def renamed(record: Object, name: str) -> Object:
    """Return helm's record of a release as that of another one."""
    release = json.loads(gzip.decompress(b64decode(b64decode(record["data"]["release"]))))
    data = b64encode(b64encode(gzip.compress(json.dumps({**release, "name": name}).encode()))).decode()
    metadata = {
        "name": f"sh.helm.release.v1.{name}.v1",
        "namespace": record["metadata"]["namespace"],
        "labels": {**record["metadata"]["labels"], "name": name},
    }
    kind = {"apiVersion": "v1", "kind": "Secret", "type": record["type"]}
    return {**kind, "metadata": metadata, "data": {"release": data}}


def test_missing_rights_are_named(shop: Shop) -> None:
    shop.install()
    kubeconfig = account(shop.argocd.kube, shop.namespace, shop.folder, rules=[])
    ran = Reader(shop.sandbox, kubeconfig, shop.repository.folder).diff("shop", "--cluster", "dev")

    assert ran.code == 7, ran.stdout
    assert "cmp: the user of this context may not read the release: helm 3.18.6: " in ran.stdout
    assert "hint: helm keeps releases in Secrets: `get` and `list` on those of that namespace" in ran.stdout


def test_a_context_that_does_not_exist_is_refused_with_those_that_do(shop: Shop) -> None:
    ran = shop.reader().diff("shop", "--cluster", "dev", "--kube-context", "production")

    assert ran.code == 2
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[0] == "cmp: the kubeconfig has no context production"
    assert ran.stderr.splitlines()[-1] == "  hint: known here: test"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("user", "token", "wrong"), "cmp: the cluster does not know the user of this context: helm 3.18.6: "),
        (("cluster", "server", "https://127.0.0.1:1"), "cmp: the cluster cannot be reached: helm 3.18.6: "),
    ],
)
def test_a_cluster_that_cannot_be_asked_is_a_failure_that_says_why(
    shop: Shop, changed: tuple[str, str, str], said: str
) -> None:
    reader = shop.reader()
    what, key, value = changed
    config = json.loads(reader.kubeconfig.read_text())
    token = config["users"][0]["user"]["token"]
    config[f"{what}s"][0][what][key] = value
    reader.kubeconfig.write_text(json.dumps(config))

    ran = reader.diff("shop", "--cluster", "dev")

    assert ran.code == 7, ran.stdout
    assert said in ran.stdout
    assert "hint: `kubectl --context CONTEXT get --raw /version` must answer" in ran.stdout.replace(
        "log in again: ", ""
    )
    assert token not in ran.stdout + ran.stderr


def test_a_kubeconfig_is_found_from_the_folder_that_cmp_runs_in(shop: Shop) -> None:
    shop.install()
    reader = shop.reader()

    ran = reader.diff("shop", "--cluster", "dev", KUBECONFIG=os.path.relpath(reader.kubeconfig, reader.folder))

    assert ran.code == 0, ran.stdout + ran.stderr


def test_a_cluster_that_never_answers_ends_at_the_deadline(shop: Shop) -> None:
    reader = shop.reader()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = json.loads(reader.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{silent.getsockname()[1]}"
        reader.kubeconfig.write_text(json.dumps(config))

        ran = reader.diff("shop", "--cluster", "dev", CMP_DEADLINE="4")

    assert ran.code == 9, ran.stdout + ran.stderr
