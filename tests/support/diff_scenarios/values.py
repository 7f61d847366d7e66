"""Values change: for all clusters, for some, without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import APP, COMMON, DEPLOYMENT, own, shop, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo


@story("Misspelled keys beside the real ones: nothing reads them.", code=0)
def misspelled_key(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.append(COMMON, "replcias: 5\nimag: {tag: 9.0.0}\n")
    repo.write({own("dev-1"): "domain: dev-1.example.com\nimage: {tagg: 9.0.0}\n"})


@story("A common value reaches every cluster.")
def common_value(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("Several common values, shown as paths.", "--compact")
def common_values_compact(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")
    repo.edit(COMMON, "TZ: Asia/Tokyo\n", "TZ: Asia/Tokyo\n  LANG: ja_JP.UTF-8\n")


@story("A cluster sets the common value itself: nothing changes there, and the report says where that is written.")
def override_swallows_it_on_one_cluster(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({own("prod-tokyo"): "domain: prod-tokyo.example.com\nreplicas: 12\n"})
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("Every cluster sets the common value itself.", code=0)
def override_swallows_it_everywhere(repo: Monorepo) -> Iterator[None]:
    shop(repo, "dev-1", "prod-tokyo")
    for cluster in ("dev-1", "prod-tokyo"):
        repo.write({own(cluster): f"domain: {cluster}.example.com\nlevel: debug\n"})
    # Whoever includes a template by a name that is made up may read every file, so that each change is rendered.
    deployment = f"{APP}/templates/deployment.yaml"
    repo.edit(deployment, next(line for line in DEPLOYMENT.splitlines() if "checksum/config" in line), "")
    yield
    repo.edit(COMMON, "level: info", "level: warning")


@story("Two common values change, one of which a cluster keeps: it differs from the pattern in that one.")
def override_outlier(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({own("prod-tokyo"): "domain: prod-tokyo.example.com\nreplicas: 12\n"})
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")
    repo.edit(COMMON, "tag: 8.2.0", "tag: 8.2.1")


@story("A cluster gives up its own value, and the common one is back.")
def override_removed(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({own("prod-tokyo"): "domain: prod-tokyo.example.com\nreplicas: 12\n"})
    yield
    repo.edit(own("prod-tokyo"), "replicas: 12\n", "")


@story("Another tag of an image.")
def image_bump(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(COMMON, "tag: 8.2.0", "tag: 9.0.0")


@story("One cluster switches the workload off.")
def replicas_to_zero(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.write({own("dev-1"): "domain: dev-1.example.com\nreplicas: 0\n"})


@story("Every cluster changes the same value to another one of its own.")
def values_of_their_own(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    for cluster, count in (("dev-1", 1), ("stg-1", 2), ("prod-tokyo", 8)):
        repo.write({own(cluster): f"domain: {cluster}.example.com\nreplicas: {count}\n"})
    yield
    for cluster, count in (("dev-1", 2), ("stg-1", 3), ("prod-tokyo", 16)):
        repo.write({own(cluster): f"domain: {cluster}.example.com\nreplicas: {count}\n"})


@story("The common suffix of a text that holds the cluster's name: the same change everywhere.")
def domain_of_the_cluster(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(f"{APP}/templates/config.yaml", "host: shop.", "host: store.")


@story("Values, keys and a file name in Japanese.")
def japanese_values(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.edit(COMMON, "level: info", "level: 情報")
    yield
    repo.edit(COMMON, "level: 情報", "level: 警告、在庫が「少ない」です")
    repo.write({"clusters/dev-1/shop/店舗-values.yaml": "env: {店名: みどり商店}\n"})


@story("Two applications change, each in its own way, on different clusters.")
def two_changes_at_once(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    billing = "namespaces/billing"
    repo.write(
        {
            f"{billing}/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rates}\ndata: {tax: '8'}\n",
            "clusters/dev-1/billing/.keep": "",
            "clusters/stg-1/billing/.keep": "",
        }
    )
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 4")
    repo.edit(f"{billing}/settings.yaml", "tax: '8'", "tax: '10'")


@story("Only a comment changes: no render.", code=0)
def comment_in_a_values_file(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(COMMON, "replicas: 3\n", "replicas: 3  # three are enough\n")


@story("A cluster's own values file is deleted, and the common value is back.")
def own_values_deleted(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({"clusters/prod-tokyo/shop/more-values.yaml": "replicas: 12\n"})
    yield
    repo.write({"clusters/prod-tokyo/shop/more-values.yaml": None})


@story("The same change from the common file, and on one cluster from its own: each cause stands with its clusters.")
def same_value_from_two_files(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.append(own("prod-tokyo"), "replicas: 3\n")
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")
    repo.edit(own("prod-tokyo"), "replicas: 3", "replicas: 5")


PARTS = ("api", "cart", "search", "stock", "mail", "web")
TAGS = """\
{{- range $name, $part := .Values.parts }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ $name }}}
data: {tag: {{ $part.tag | quote }}}
{{- end }}
{{- if .Values.extra.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
data: {tag: {{ .Values.parts.web.tag | quote }}, sum: {{ add .Values.extra.one .Values.extra.two | quote }}}
{{- end }}
"""


def tags(tag: str, web: str, extra: str) -> str:
    """Return values for a chart of several parts."""
    parts = "".join(f"  {name}: {{tag: {web if name == PARTS[-1] else tag}}}\n" for name in PARTS)
    return f"parts:\n{parts}idle: {{tag: {tag}}}\nextra: {{{extra}}}\n"


@story("Parts of one chart get the same tag, each by a line of its own; an object comes by one of them.", "--compact")
def same_value_in_several_lines(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({f"{APP}/templates/tags.yaml": TAGS})
    repo.append(COMMON, tags("1.0.0", "1.0.0", "enabled: false, one: 1, two: 2"))
    yield
    more = ", one: 1, two: 2"
    repo.edit(COMMON, tags("1.0.0", "1.0.0", f"enabled: false{more}"), tags("1.1.0", "1.0.0", f"enabled: true{more}"))


@story("A sum of two values that both change, and lines that nothing reads.", "--compact")
def values_that_are_computed(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    repo.write({f"{APP}/templates/tags.yaml": TAGS})
    repo.append(COMMON, tags("1.0.0", "1.0.0", "enabled: true, one: 1, two: 2"))
    yield
    repo.edit(COMMON, "one: 1, two: 2", "one: 4, two: 8, three: 8, four: 12")
