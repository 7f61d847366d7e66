"""A layout from folders alone: alternatives are never layers, and the layout that made a tree comes out of it."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import instances, scaffold
from cmp.repository.instances import Repository, Request
from cmp.repository.scaffold.trial import NOWHERE, Seen
from cmp.system.tree import WorkTree
from tests.support.property_examples import examples
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cmp.model import Instance
    from cmp.repository.scaffold import Draft

VALUES = "a: 1\n"
KUSTOMIZATION = "resources: []\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"


def drafted(root: Path, files: dict[str, str]) -> Draft:
    return scaffold.draft(plant(root, files), ENGINES, lambda _: [])


def resolved(root: Path, draft: Draft) -> dict[tuple[str, str], Instance]:
    """Resolve every pair of a draft; an error of one is an error of the test."""
    repository = Repository(Seen(WorkTree(str(root))).planned(draft.content.encode()), ENGINES)
    return {
        (pair.app, pair.cluster): instances.resolve_in(repository, Request(pair.app, pair.cluster))
        for pair in repository.pairs()
    }


def layers(root: Path, draft: Draft) -> dict[tuple[str, str], list[str]]:
    return {pair: [layer.path for layer in one.layers] for pair, one in resolved(root, draft).items()}


def each(paths: Iterable[str], text: str) -> dict[str, str]:
    return dict.fromkeys(paths, text)


class Kind(NamedTuple):
    """A tree, the layers of its pairs, and the notes on it."""

    files: dict[str, str]
    pairs: dict[tuple[str, str], list[str]]
    notes: list[str] = []  # noqa: RUF012  # nothing changes it


NEWS = ("cars", "kites", "mail", "news", "shop")
CITIES = ("bergen", "turin", "lille-dev", "porto-prod")
PAIRS_OF_STAGES = [(stage, place) for stage in ("live", "uat") for place in ("east", "west")]
GUESSED = (
    "bergen, turin are taken for clusters, as in charts/shop/bergen-values.yaml: right? "
    "If not, take them out of `clusters`"
)
OF_ALL = (
    "settings/live/global.yaml, settings/uat/global.yaml may be for all applications of a cluster: add the pattern to "
    "`layout.values`, or to `layout.shared` where only some take it"
)
SIZES = (
    "charts/shop/values-large.yaml, charts/shop/values-small.yaml are no layers in this layout: "
    "which clusters are they for?"
)
KINDS: dict[str, Kind] = {
    "values files beside a chart, some named like stages": Kind(
        {"charts/shop/Chart.yaml": CHART, **each((f"charts/shop/values-{city}.yaml" for city in CITIES), VALUES)},
        {("shop", city): [f"charts/shop/values-{city}.yaml"] for city in CITIES},
    ),
    "values files beside a chart, none named like a stage": Kind(
        {"charts/shop/Chart.yaml": CHART, **each((f"charts/shop/{city}-values.yaml" for city in CITIES[:2]), VALUES)},
        {("shop", city): [f"charts/shop/{city}-values.yaml"] for city in CITIES[:2]},
        [GUESSED],
    ),
    "common values and secrets beside those of clusters": Kind(
        {
            **each((f"charts/{app}/Chart.yaml" for app in ("mail", "shop")), CHART),
            **each(
                (
                    f"charts/{app}/values-{part}.yaml"
                    for app in ("mail", "shop")
                    for part in ("common", "secrets", "bergen", "turin")
                ),
                VALUES,
            ),
        },
        {
            (app, city): [f"charts/{app}/values-{part}.yaml" for part in ("common", "secrets", city)]
            for app in ("mail", "shop")
            for city in ("bergen", "turin")
        },
    ),
    "an environment that is called base": Kind(
        {
            **each((f"charts/{app}/Chart.yaml" for app in NEWS), CHART),
            **each((f"charts/{app}/values-{city}.yaml" for app in NEWS for city in CITIES), VALUES),
            **each((f"charts/{app}/values-base.yaml" for app in ("news", "shop")), VALUES),
        },
        {(app, city): [f"charts/{app}/values-{city}.yaml"] for app in NEWS for city in CITIES}
        | {(app, "base"): [f"charts/{app}/values-base.yaml"] for app in ("news", "shop")},
        ["base is taken for a cluster, as in charts/news/values-base.yaml: right? If not, take them out of `clusters`"],
    ),
    "an environment that is called base, as another folder says": Kind(
        {
            "charts/shop/Chart.yaml": CHART,
            **each((f"charts/shop/values-{city}.yaml" for city in (*CITIES, "base")), VALUES),
            **each((f"sites/values-{city}.yaml" for city in (*CITIES, "base")), VALUES),
        },
        {("shop", city): [f"charts/shop/values-{city}.yaml"] for city in (*CITIES, "base")},
        ["base is taken for a cluster, as in charts/shop/values-base.yaml: right? If not, take them out of `clusters`"],
    ),
    "secrets in clear, which another program reads": Kind(
        {
            "charts/shop/Chart.yaml": CHART,
            "charts/shop/secrets.yaml": VALUES,
            **each((f"charts/shop/values-{city}.yaml" for city in CITIES), VALUES),
        },
        {("shop", city): [f"charts/shop/values-{city}.yaml"] for city in CITIES},
        ["charts/shop/secrets.yaml is no layer in this layout: which clusters is it for?"],
    ),
    "files of other charts beside one of the chart's name": Kind(
        {
            **each((f"charts/{app}/Chart.yaml" for app in ("mail", "web-shop")), CHART),
            **each((f"charts/web-shop/{name}-values.yaml" for name in ("shop", "tracing")), VALUES),
        },
        {("mail", ""): [], ("web-shop", ""): []},
        [
            "charts/web-shop/shop-values.yaml, charts/web-shop/tracing-values.yaml are no layers in this layout: "  # noqa: ISC004
            "which clusters are they for?"
        ],
    ),
    "examples alone": Kind(
        each((f"examples/{app}/Chart.yaml" for app in ("mail", "shop")), CHART),
        {("mail", ""): [], ("shop", ""): []},
        ["only folders that are seldom deployed hold applications: examples/mail, examples/shop"],
    ),
    "a template among the applications": Kind(
        each((f"apps/{app}/Chart.yaml" for app in ("0_template", "mail", "shop")), CHART),
        {("mail", ""): [], ("shop", ""): []},
        [
            "0_template runs nowhere here, by the entry of `applications`: `0_template` is no release name: Helm takes "  # noqa: ISC004
            "up to 53 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends"
        ],
    ),
    "a base that other applications use": Kind(
        {
            "common/web/kustomization.yaml": KUSTOMIZATION,
            **each((f"apps/{app}/kustomization.yaml" for app in ("mail", "shop")), "resources: [../../common/web]\n"),
        },
        {("mail", ""): [], ("shop", ""): []},
    ),
    "applications of one name in the folders of two teams": Kind(
        each((f"teams/{team}/{app}/Chart.yaml" for team in ("blue", "red") for app in ("mail", "shop")), CHART),
        {(f"{team}-{app}", ""): [] for team in ("blue", "red") for app in ("mail", "shop")},
    ),
    "applications of several teams, each of one": Kind(
        each(("teams/blue/mail/Chart.yaml", "teams/red/shop/Chart.yaml"), CHART),
        {("mail", ""): [], ("shop", ""): []},
    ),
    "overlays that are variants": Kind(
        {
            f"operators/{app}/{path}/kustomization.yaml": KUSTOMIZATION
            for app in ("mail", "shop")
            for path in ("base", *(f"overlays/{app}-{at}" for at in range(5)))
        },
        {("mail", ""): [], ("shop", ""): []},
        [
            "the folders operators/{app}/overlays/* look like variants, not clusters: "  # noqa: ISC004
            "`layout.instances` can say where they run"
        ],
    ),
    "charts at the top, beside folders with other files": Kind(
        {
            **each((f"{app}/Chart.yaml" for app in ("mail", "shop")), CHART),
            **each(("docs/notes.yaml", "scripts/settings.yaml"), VALUES),
        },
        {("mail", ""): [], ("shop", ""): []},
    ),
    "values of clusters beside those of all their applications": Kind(
        {
            "charts/shop/Chart.yaml": CHART,
            **each(
                (f"settings/{stage}/{name}.yaml" for stage in ("live", "uat") for name in ("global", "shop")), VALUES
            ),
        },
        {("shop", stage): [f"settings/{stage}/shop.yaml"] for stage in ("live", "uat")},
        [OF_ALL, NOWHERE],
    ),
    "a values folder in the chart's": Kind(
        {"charts/shop/Chart.yaml": CHART, **each((f"charts/shop/values/{city}.yaml" for city in CITIES), VALUES)},
        {("shop", city): [f"charts/shop/values/{city}.yaml"] for city in CITIES},
    ),
    "variants that are no clusters": Kind(
        {
            **each((f"clusters/{city}/shop/values.yaml" for city in CITIES[:2]), VALUES),
            "charts/shop/Chart.yaml": CHART,
            **each((f"charts/shop/values-{part}.yaml" for part in ("small", "large")), VALUES),
        },
        {("shop", city): [f"clusters/{city}/shop/values.yaml"] for city in CITIES[:2]},
        [SIZES],
    ),
    "one chart of many with a file for production": Kind(
        {
            **each((f"{app}/Chart.yaml" for app in ("mail", "news", "shop")), CHART),
            "shop/values-production.yaml": VALUES,
        },
        {(app, ""): [] for app in ("mail", "news", "shop")},
        ["shop/values-production.yaml is no layer in this layout: which clusters is it for?"],
    ),
    "several roots, and folders of documents": Kind(
        {
            **each(("infra/dns/Chart.yaml", "infra/tls/Chart.yaml", "tenants-a/shop/Chart.yaml"), CHART),
            **each(("docs/setup/kustomization.yaml", "examples/shop/kustomization.yaml"), KUSTOMIZATION),
        },
        {("dns", ""): [], ("tls", ""): [], ("shop", ""): []},
    ),
    "charts by environment, values by environment and place": Kind(
        {
            **each((f"charts/{stage}/shop/Chart.yaml" for stage in ("live", "uat")), CHART),
            **each((f"sites/{stage}/{place}/shop-values.yaml" for stage, place in PAIRS_OF_STAGES), VALUES),
        },
        {("shop", f"{one}-{place}"): [f"sites/{one}/{place}/shop-values.yaml"] for one, place in PAIRS_OF_STAGES},
    ),
    "folders that hold values for the only chart": Kind(
        {
            "library/service/Chart.yaml": CHART,
            **each((f"apps/{app}/values.yaml" for app in ("mail", "shop")), VALUES),
        },
        {(app, ""): [f"apps/{app}/values.yaml"] for app in ("mail", "shop")},
        ["library/service, the only chart, is taken for that of the folders with values alone: is it?"],
    ),
    "an application whose other folders are no applications": Kind(
        {
            **each((f"apps/{app}/Chart.yaml" for app in ("mail", "shop")), CHART),
            "apps/assets/logo.txt": "",
        },
        {("mail", ""): [], ("shop", ""): []},
    ),
    "files of one environment named by a word of its clusters": Kind(
        {
            "charts/shop/Chart.yaml": CHART,
            **each((f"clusters/{one}/shop/values.yaml" for one in ("dev-cluster", "live-cluster")), VALUES),
            **each((f"stages/{one}/shop.yaml" for one in ("dev", "live")), VALUES),
        },
        {
            ("shop", f"{one}-cluster"): [f"stages/{one}/shop.yaml", f"clusters/{one}-cluster/shop/values.yaml"]
            for one in ("dev", "live")
        },
    ),
    "manifests in the folders of clusters": Kind(
        {
            "charts/shop/Chart.yaml": CHART,
            "charts/shop/extra/config.yaml": CONFIG_MAP,
            **each((f"clusters/{city}/shop/values.yaml" for city in CITIES[:2]), VALUES),
        },
        {("shop", city): [f"clusters/{city}/shop/values.yaml"] for city in CITIES[:2]},
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_alternatives_are_never_layers_of_one_render(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    draft = drafted(tmp_path, kind.files)
    assert (layers(tmp_path, draft), draft.notes) == (kind.pairs, kind.notes)


def test_files_that_no_render_reads_are_ignored_and_kustomizations_with_charts_get_helm(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            **each(("Makefile", "scripts/run.sh", "tests/one.yaml", "README.md"), ""),
            "apps/mail/kustomization.yaml": "helmCharts: [{name: mail}]\n",
            "apps/shop/kustomization.yaml": "resources: [../../tools/web.yaml]\n",
            "tools/web.yaml": CONFIG_MAP,
        },
    )
    assert draft.content.partition("defaults:\n")[2] == (
        "  kustomize: {enableHelm: true}\n"
        "# What `cmp affected` and `cmp diff` should know.\n"
        "preview:\n"
        "  # Files that no render depends on: a change of them renders nothing.\n"
        '  ignore: [Makefile, "scripts/**", "tests/**"]\n'
        "  # What Argo CD's own settings say where it renders without a plugin.\n"
        '  argocd: {buildOptions: "--enable-helm"}\n'
    )


def test_a_pattern_that_fails_is_left_out_and_said(tmp_path: Path) -> None:
    files = each((f"apps/{app}/Chart.yaml" for app in ("mail", "news", "shop")), CHART)
    draft = drafted(tmp_path, {**files, "plugins/both/Chart.yaml": CHART, "plugins/both/kustomization.yaml": "{}\n"})
    assert layers(tmp_path, draft) == {(app, ""): [] for app in ("mail", "news", "shop")}
    assert draft.notes == [
        "the applications plugins/{app} are left out: more than one engine fits the folder plugins/both: "  # noqa: ISC004
        "Chart.yaml (helm) and kustomization.yaml (kustomize)"
    ]


# Trees that a known layout made


class Layout(NamedTuple):
    """A way to lay out a tree: the file that makes an application, and the one that lets it run on a cluster."""

    application: str
    instance: str
    content: str = CHART


LAYOUTS: dict[str, Layout] = {
    "folders of clusters": Layout("apps/{app}/Chart.yaml", "clusters/{cluster}/{app}/values.yaml"),
    "overlays": Layout("apps/{app}/base/kustomization.yaml", "apps/{app}/overlays/{cluster}/kustomization.yaml"),
    "files beside the chart": Layout("charts/{app}/Chart.yaml", "charts/{app}/values-{cluster}.yaml"),
    "files of clusters": Layout("charts/{app}/Chart.yaml", "envs/{cluster}/{app}.yaml"),
    "charts of clusters": Layout("", "envs/{cluster}/{app}/Chart.yaml"),
    "kustomizations of clusters": Layout("", "deploy/{app}/overlays/{cluster}/kustomization.yaml", KUSTOMIZATION),
}
NAMES = ("bank", "cart", "desk", "echo", "fuel", "gate", "hall", "iris", "jade", "kelp")
CLUSTERS = ("dev", "prod", "staging", "dev-eu", "prod-eu", "prod-us")


def made(layout: Layout, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    files = {}
    for app, cluster in pairs:
        for path in filter(None, layout[:2]):
            is_overlay = "overlays" in path and layout.application
            text = "resources: [../../base]\n" if is_overlay else KUSTOMIZATION if "kustomization" in path else ""
            files[path.format(app=app, cluster=cluster)] = text or (CHART if path.endswith("Chart.yaml") else VALUES)
    return files


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", range(6))
def test_the_layout_that_made_a_tree_comes_out_of_it(tmp_path: Path, name: str, seed: int) -> None:
    chosen = random.Random(f"{name} {seed}")  # noqa: S311  # no secret
    apps = chosen.sample(NAMES, chosen.randint(2, len(NAMES)))
    clusters = chosen.sample(CLUSTERS, chosen.randint(2, len(CLUSTERS)))
    pairs = {(app, cluster) for app in apps for cluster in chosen.sample(clusters, chosen.randint(2, len(clusters)))}
    draft = drafted(tmp_path, made(LAYOUTS[name], sorted(pairs)))
    found = layers(tmp_path, draft)
    assert {*found} == pairs
    for (_, cluster), paths in found.items():
        others = {one for one in clusters if one != cluster}
        assert not [path for path in paths if others & {*path.replace(".", "/").replace("values-", "").split("/")}]


# Trees that nobody laid out

FOLDER_NAMES = (
    "apps",
    "charts",
    "clusters",
    "envs",
    "overlays",
    "base",
    "prod",
    "dev",
    "turin",
    "mail",
    "shop",
    "docs",
)
FILE_NAMES = (
    "values-prod.yaml",
    "values-turin.yaml",
    "values-common.yaml",
    "prod.yaml",
    "mail-values.yaml",
    "mail.yaml",
)
ENGINE_FILES = {"Chart.yaml": CHART, "kustomization.yaml": "resources: [../base, ../../base]\n", "values.yaml": VALUES}


def grown(chosen: random.Random) -> dict[str, str]:
    """Return files in folders of usual names, in no order."""
    names = [*ENGINE_FILES, *FILE_NAMES] + 4 * [*ENGINE_FILES]
    paths = (
        "/".join((*chosen.choices(FOLDER_NAMES, k=chosen.randint(0, 4)), chosen.choice(names)))
        for _ in range(chosen.randint(3, 40))
    )
    return {path: ENGINE_FILES.get(path.rpartition("/")[2], VALUES) for path in paths}


@pytest.mark.parametrize("seed", range(examples(40)))
def test_a_tree_without_order_gets_a_layout_that_says_what_fails_in_it(tmp_path: Path, seed: int) -> None:
    tree = plant(tmp_path, grown(random.Random(seed)))  # noqa: S311  # no secret
    try:
        draft = scaffold.draft(tree, ENGINES, lambda _: [])
    except ConfigError as error:
        assert error.what.startswith(("there is nothing", "no pattern with {app}"))  # noqa: PT017
        return
    repository = Repository(Seen(tree).planned(draft.content.encode()), ENGINES)
    failed = []
    for pair in repository.pairs():
        try:
            paths = [layer.path for layer in instances.resolve_in(repository, Request(pair.app, pair.cluster)).layers]
        except ConfigError:
            failed.append(pair)
        else:
            assert not [one for one in paths if one.replace("prod.yaml", "turin.yaml") in {*paths} - {one}]
    said = [note for note in draft.notes if "cannot be rendered" in note or "more errors" in note]
    assert bool(said) == bool(failed)


# Time


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


@pytest.mark.slow
def test_time_grows_with_the_number_of_folders(tmp_path: Path) -> None:
    """Four times the folders take much less than four times four the time: the ratio is between two runs here."""
    parts = ("base", "dev/east", "dev/west", "prod/east", "prod/west")
    spent = []
    for count in (60, 240):
        root = tmp_path / str(count)
        tree = plant(
            root,
            each(
                (f"components/c{at}/{part}/kustomization.yaml" for at in range(count) for part in parts), KUSTOMIZATION
            ),
        )
        spent.append(min(cpu(partial(scaffold.draft, tree, ENGINES, lambda _: [])) for _ in range(2)))
    assert spent[1] < 10 * spent[0]


def test_each_folder_is_listed_and_each_file_read_once(tmp_path: Path) -> None:
    plant(tmp_path, KINDS["values files beside a chart, some named like stages"].files)
    asked: list[str] = []

    class Counting(WorkTree):
        def read(self, path: str) -> bytes:
            asked.append(path)
            return super().read(path)

    scaffold.draft(Counting(str(tmp_path)), ENGINES, lambda _: [])
    assert sorted(asked) == sorted({*asked})


def test_the_same_tree_gives_the_same_text(tmp_path: Path) -> None:
    files = KINDS["charts by environment, values by environment and place"].files
    first = drafted(tmp_path / "one", files)
    assert drafted(tmp_path / "two", dict(reversed(files.items()))) == first
