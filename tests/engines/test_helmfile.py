"""Helmfiles: the bare helmfile prints the same; what an instance adds; more in tests/fixtures/helmfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.helmfile import (
    APP,
    DEV,
    ENDS,
    HELM,
    HELMFILES,
    WITH_HELM,
    HelmfileRepository,
    chart,
    config_maps,
    values,
)
from tests.support.repository import FAKES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.harness import Sandbox


@pytest.fixture(params=ENDS, ids=" with ".join)
def world(sandbox: Sandbox, request: pytest.FixtureRequest) -> HelmfileRepository:
    return HelmfileRepository(sandbox).pin(*request.param)


class Corner(NamedTuple):
    """A helmfile, what cmp-app.yaml says, and the flags that make the bare helmfile print the same."""

    files: Mapping[str, str]
    options: str = ""
    flags: tuple[str, ...] = ()


RELEASE = "releases: [{name: web, namespace: shop, chart: ./charts/web, values: [{a: 1}]}]\n"
ENVIRONMENTS = """\
environments:
  default: {values: [envs/default.yaml]}
  test: {values: [envs/default.yaml, envs/test.yaml.gotmpl, {inline: true}]}
---
"""
TEMPLATED = """\
{{- range $name, $port := .Values.ports }}
{{- end }}
commonLabels: {env: "{{ .Environment.Name }}"}
releases:
{{- range $name, $port := .Values.ports }}
- name: web-{{ $name }}
  namespace: shop
  chart: ./charts/web
  labels: {port: "{{ $port }}"}
  values:
  - common.yaml
  - release.yaml.gotmpl
  - port: {{ $port }}
  set: [{name: x.y, value: "1,2"}, {name: list, values: [a, b]}]
  setString: [{name: text, value: "1"}]
{{- end }}
"""
TWO = """\
releases:
- {name: one, namespace: shop, chart: ./charts/web, labels: {tier: front}, needs: [shop/two]}
- {name: two, namespace: shop, chart: ./charts/web, labels: {tier: back}}
- {name: three, namespace: other, chart: ./charts/web, installed: false}
- {name: four, namespace: shop, chart: ./charts/web, condition: four.enabled}
"""
CORNERS = {
    "one release": Corner({"helmfile.yaml": RELEASE}),
    "templates": Corner(
        {
            "helmfile.yaml.gotmpl": ENVIRONMENTS + TEMPLATED,
            "envs/default.yaml": "ports: {a: 80, b: 81}\ndeep: {x: 1, y: [1, 2]}\n",
            "envs/test.yaml.gotmpl": 'deep: {x: "{{ .Environment.Name }}"}\nbig: 9007199254740993\noctal: "010"\n',
            "common.yaml": "common: &a {k: v}\nsame: *a\nfloat: 1.10\nno: null\n",
            "release.yaml.gotmpl": (
                "of: {{ .Release.Name }}\nns: {{ .Release.Namespace }}\nall:\n{{ toYaml .Values | indent 2 }}\n"
                'env: {{ .Environment.Name }}\n{{ include "more" . }}\n'
            ),
            "_more.tpl": '{{ define "more" }}more: {{ .Values.deep.x }}{{ end }}',
        },
        "environment: test",
        ("-e", "test"),
    ),
    "needs, and what is not installed": Corner(
        {"helmfile.yaml": f"values: [{{four: {{enabled: false}}}}]\n---\n{TWO}"}
    ),
    "a condition that holds": Corner({"helmfile.yaml": f"values: [{{four: {{enabled: true}}}}]\n---\n{TWO}"}),
    "selectors": Corner(
        {"helmfile.yaml": f"values: [{{four: {{enabled: true}}}}]\n---\n{TWO}"},
        "selectors: [tier=front, 'name=four']",
        ("-l", "tier=front", "-l", "name=four"),
    ),
    "a selector of a chart": Corner(
        {"helmfile.yaml": RELEASE.replace("[{", "[{name: b, namespace: shop, chart: ./charts/other}, {", 1)},
        "selectors: [chart=web]",
        ("-l", "chart=web"),
    ),
    "a folder of states": Corner(
        {
            "helmfile.d/10-a.yaml": RELEASE.replace("./charts", "../charts"),
            "helmfile.d/20-b.yaml.gotmpl": (
                "releases: [{name: b, namespace: '{{ .Environment.Name }}', chart: ../charts/web, values: [b.yaml]}]\n"
            ),
            "helmfile.d/b.yaml": "commonLabels: {b: c}\n",
        }
    ),
    "states of states": Corner(
        {
            "helmfile.yaml": "helmfiles: [sub/helmfile.yaml.gotmpl, {path: sub/x-*.yaml, values: [{a: 5}]}]\n"
            + RELEASE,
            "sub/helmfile.yaml.gotmpl": (
                "values: [{a: 1}]\n---\nreleases: [{name: sub, namespace: shop, chart: ../charts/web, "
                "values: [v.yaml, {a: {{ .Values.a }}}]}]\n"
            ),
            "sub/v.yaml": "file: sub\n",
            "sub/x-1.yaml": "releases: [{name: x, namespace: shop, chart: ../charts/web, values: [v.yaml]}]\n",
        }
    ),
    "bases and templates of releases": Corner(
        {
            "helmfile.yaml": (
                "bases: [base.yaml]\n---\ntemplates:\n  default:\n    namespace: shop\n    missingFileHandler: Info\n"
                "    values: ['values/{{ .Release.Name }}.yaml', nowhere.yaml]\n"
                "    valuesTemplate: [{n: '{{ .Release.Name }}'}]\n"
                "releases: [{name: web, chart: ./charts/web, inherit: [{template: default}], values: [{z: 1}]}]\n"
            ),
            "base.yaml": "helmDefaults: {createNamespace: false}\nkubeVersion: '1.28'\napiVersions: [example.com/v1]\n",
            "values/web.yaml": "of: web\n",
        }
    ),
    "what is read as text": Corner(
        {
            "helmfile.yaml.gotmpl": (
                "releases:\n- name: web\n  namespace: shop\n  chart: ./charts/web\n  values:\n"
                '  - {{ readFile "a.yaml" | nindent 4 }}\n'
                '  - text: {{ readFile (printf "%s.txt" .Environment.Name) | quote }}\n'
                '  - {{ tpl (readFile "t.gotmpl") . | nindent 4 }}\n'
            ),
            "a.yaml": 'quoted: "\\"x\\" `y` 1\\t2 \\U0001F600 {{ }}"\n',
            "default.txt": 'one\ntwo "2" `x` ü\\n',
            "t.gotmpl": "e: {{ .Environment.Name }}\n",
        }
    ),
    "the same file for two": Corner(
        {
            "helmfile.yaml": "releases:\n"
            + "".join(f"- {{name: {n}, namespace: shop, chart: ./charts/web, values: [v.yaml]}}\n" for n in "ab"),
            "v.yaml": "v: 1\n",
        }
    ),
    "without CRDs and tests": Corner(
        {"helmfile.yaml": RELEASE}, "skipCrds: true\n  skipTests: true", ("--include-crds=false", "--skip-tests")
    ),
    "HCL": Corner(
        {
            "helmfile.yaml.gotmpl": (
                "environments: {default: {values: [v.hcl]}}\n---\n"
                "releases: [{name: web, namespace: shop, chart: ./charts/web, values: [{v: {{ .Values.out }}}]}]\n"
            ),
            "v.hcl": 'values {\n  out = upper("x")\n}\n',
        }
    ),
    "what lies outside its folder": Corner(
        {
            "helmfile.yaml.gotmpl": (
                "bases: [../../common/base.yaml.gotmpl]\nhelmfiles: [../../common/sub.yaml]\n---\n"
                "releases: [{name: web, namespace: shop, chart: ../../common/charts/web, "
                "values: [../../common/{{ .Environment.Name }}/*.yaml]}]\n"
            ),
            "../../common/base.yaml.gotmpl": "values: [{b: {{ .Environment.Name }}}]\n",
            "../../common/sub.yaml": "releases: [{name: sub, namespace: shop, chart: ./charts/web}]\n",
            "../../common/default/v.yaml": "common: 1\n",
            **chart("../../common/charts/web"),
        }
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_the_bare_helmfile_prints_the_same(world: HelmfileRepository, name: str) -> None:
    corner = CORNERS[name]
    world.write_app({**chart(), **chart("charts/other"), **corner.files})
    world.write_app({"cmp-app.yaml": f"helmfile:\n  {corner.options}\n"} if corner.options else {})
    theirs = world.by_hand("--kube-version", "1.29", *corner.flags)
    ours = world.must("--api-versions", "none/v1")
    assert _texts(ours) == _texts(theirs)
    assert values(ours) == values(theirs) != {}


STATES_OF_A_FOLDER = {
    f"helmfile.d/{number}-{name}.yaml": f"releases: [{{name: {name}, namespace: shop, chart: ../charts/web}}]\n"
    for number, name in enumerate(("delta", "alpha", "echo", "bravo", "foxtrot", "charlie"))
}
SINCE_1_8 = {
    "conditions that templates decide": {
        "helmfile.yaml.gotmpl": """\
values: [{on: true}]
---
releases:
- {name: one, namespace: shop, chart: ./charts/web, conditionTemplate: '{{`{{ .Values.on }}`}}'}
- {name: two, namespace: shop, chart: ./charts/web, conditionTemplate: '{{`{{ not .Values.on }}`}}'}
- {name: three, namespace: shop, chart: ./charts/web, condition: "True"}
- {name: four, namespace: shop, chart: ./charts/web, condition: "false"}
"""
    },
    "what a state inherits": {
        "helmfile.yaml.gotmpl": """\
environments: {default: {values: [{color: red}]}}
---
commonLabels: {of: parent}
templates: {all: {values: [{from: template}]}}
helmDefaults: {skipSchemaValidation: true}
helmfiles:
- {path: sub.yaml.gotmpl, inherits: [environments, commonLabels, templates, helmDefaults]}
- {path: alone.yaml}
""",
        "sub.yaml.gotmpl": """\
releases:
- {name: web, namespace: shop, chart: ./charts/web, inherit: [{template: all}], values: [color: {{ .Values.color }}]}
""",
        "alone.yaml": RELEASE.replace("web", "alone", 1),
    },
    "templates by default": {
        "helmfile.yaml": """\
defaultInherit: [all]
templates: {all: {namespace: shop, values: [{from: template}]}, other: {values: [{other: true}]}}
releases:
- {name: web, chart: ./charts/web}
- {name: both, chart: ./charts/web, inherit: [{template: other}]}
""",
    },
    "the first value of an environment": {
        "helmfile.yaml.gotmpl": """\
environments: {default: {mergeStrategy: fallback, values: [{a: first}, {a: second, b: second}]}}
---
releases: [{name: web, namespace: shop, chart: ./charts/web, values: [{{ toJson .Values }}]}]
""",
    },
    "the states of a folder": STATES_OF_A_FOLDER,
}


@pytest.mark.parametrize("tools", WITH_HELM[1:], ids=" with ".join)
@pytest.mark.parametrize("name", SINCE_1_8)
def test_keys_of_newer_versions_mean_what_they_mean_to_the_bare_helmfile(
    sandbox: Sandbox, name: str, tools: tuple[str, str]
) -> None:
    world = HelmfileRepository(sandbox).pin(*tools)
    world.write_app({**chart(), **SINCE_1_8[name]})
    theirs = world.by_hand("--kube-version", "1.29")
    ours = world.must("--api-versions", "none/v1")
    assert _texts(ours) == _texts(theirs)
    assert values(ours) == values(theirs) != {}


def test_the_states_of_a_folder_are_in_order(world: HelmfileRepository) -> None:
    """Helmfile 1.8 renders them at once, if it may."""
    world.write_app({**chart(), **STATES_OF_A_FOLDER})
    assert [*values(world.must())] == ["delta", "alpha", "echo", "bravo", "foxtrot", "charlie"]


def _texts(stream: str) -> list[str]:
    """Return the documents; the CRD of a chart comes with each of its releases, and cmp keeps one."""
    return [*dict.fromkeys(text.strip("\n") for text in f"\n{stream}".split("\n---\n") if text.strip())]


def test_charts_see_the_cluster_and_the_namespace_of_the_application(world: HelmfileRepository) -> None:
    world.write_app(
        {**chart(), "helmfile.yaml": "releases: [{name: web, chart: ./charts/web, apiVersions: [own/v1]}]\n"}
    )
    found = config_maps(world.must())[0]
    assert found["metadata"]["namespace"] == "shop"
    assert (found["data"]["kube"].removesuffix(".0"), found["data"]["has"]) == ("v1.29", "true")


def test_a_helm_that_somebody_else_ended_is_told(world: HelmfileRepository) -> None:
    world.write_app({**chart(), "helmfile.yaml": RELEASE})
    fake = (FAKES / "is-told-to-end").read_text()
    told = fake.replace("#!/bin/sh\n", f'#!/bin/sh\n[ "$1" = version ] && {{ echo v{world.helm}; exit; }}\n', 1)
    world.use_tools({"helmfile": world.helmfile, "helm": world.helm}).replace_tool("helm", world.helm, told)
    assert world.refused() == [
        f"cmp: helm {world.helm} got a signal from outside, and says that its release has been cancelled",
        "  where: application shop, cluster dev, phase helmfile",
        "  hint: nothing is wrong with the repository: a Pod that stops sends it, or a command such as `pkill helm`",
    ]


CHARTS_OWN = {"from": "chart"}
VALUES = """\
environments: {default: {values: [{a: default, b: default, c: default, d: default, e: default}]}, test: {}}
---
releases:
- name: web
  chart: ./charts/web
  values: [{a: {{ .Values.a }}, b: {{ .Values.b }}, c: {{ .Values.c }}, d: {{ .Values.d }}, e: {{ .Values.e | quote }}}]
"""


def test_state_values_come_from_the_state_then_layers_then_options_then_parameters(world: HelmfileRepository) -> None:
    world.write_app(
        {**chart(), "helmfile.yaml.gotmpl": VALUES, "common-values.yaml": "b: common\nc: common\nd: common\n"}
    )
    world.write({f"{DEV}/dev-values.yaml": "c: dev\nd: dev\ne: dev\n"})
    world.write_app({"cmp-app.yaml": "helmfile: {stateValues: {d: '{cluster}-{zone}', e: '{env}'}}\n"})
    assert values(world.must("--set-template", "e={cluster},x"))["web"] == dict(
        a="default", b="common", c="dev", d="dev-a", e="dev,x", **CHARTS_OWN
    )


def test_the_environment_may_be_that_of_the_cluster_or_of_a_parameter(world: HelmfileRepository) -> None:
    world.write_app(
        {
            **chart(),
            "helmfile.yaml.gotmpl": (
                "environments: {default: {}, test: {}, canary: {}}\n---\n"
                "releases: [{name: web, chart: ./charts/web, values: [{env: {{ .Environment.Name }}}]}]\n"
            ),
            "cmp-app.yaml": "helmfile: {environment: '{env}'}\n",
        }
    )
    assert values(world.must())["web"] == {"from": "chart", "env": "test"}
    ran = world.generate({"name": "environment", "string": "canary"})
    assert (ran.code, values(ran.stdout)["web"]) == (0, {"from": "chart", "env": "canary"})


def test_the_parameter_environment_is_for_helmfile_alone(world: HelmfileRepository) -> None:
    world.write_app({"Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n"})
    assert world.generate({"name": "environment", "string": "prod"}).stderr.splitlines()[:3] == [
        "cmp: the parameter environment is for helmfile, and helm renders this application",
        "  where: application shop, cluster dev, phase layout",
        "  hint: remove it from the Application; see operations.md#configuration",
    ]


def test_helmfile_runs_a_helm_of_its_own(sandbox: Sandbox) -> None:
    world = HelmfileRepository(sandbox).pin(HELMFILES[0], HELM)
    world.write_app({**chart(), "helmfile.yaml": RELEASE, "cmp-app.yaml": "tools: {helm: 4.0.0}\n"})
    assert world.refused() == [
        "cmp: helmfile 1.1.7 cannot run helm 4.0.0",
        "  where: application shop, cluster dev",
        "  hint: pin a helm 3 for it with `helmfile: {helmVersion: …}` in cmp-app.yaml, or helmfile 1.2.0 or newer",
    ]
    world.write_app({"cmp-app.yaml": "tools: {helm: 4.0.0}\nhelmfile: {helmVersion: 3.14.4}\n"})
    assert "helm 3.14.4  (helmfile.helmVersion)" in world.run("--explain").stderr


def test_the_oldest_helmfile_still_cannot_run_helm_4(sandbox: Sandbox) -> None:
    world = HelmfileRepository(sandbox).pin(HELMFILES[0], HELM)
    world.write_app({**chart(), "helmfile.yaml": RELEASE})
    with pytest.raises(AssertionError, match="error determining helm version"):
        world.by_hand(helm="4.0.0")


def test_cmp_values_says_that_there_are_none(world: HelmfileRepository) -> None:
    world.write_app({**chart(), "helmfile.yaml": RELEASE})
    ran = world.sandbox.run("values", "shop", "--cluster", "dev", cwd=world.root)
    assert ran.first_line == "cmp: helmfile renders this application, and there are no Helm values"


def test_a_link_in_the_folder_is_followed_and_looked_at(world: HelmfileRepository) -> None:
    world.write_app({"helmfile.yaml": "releases: [{name: web, chart: ./linked/web, values: [linked/v.yaml.gotmpl]}]\n"})
    world.write({f"common/{name}": text for name, text in chart("web").items()})
    world.write({"common/v.yaml.gotmpl": "v: 1\n"})
    (world.root / APP / "linked").symlink_to("../../common")
    assert values(world.must())["web"] == {"from": "chart", "v": 1}
    world.write({"common/v.yaml.gotmpl": 'v: {{ exec "id" list }}\n'})
    assert world.refused()[0] == "cmp: the template function exec is not allowed"
