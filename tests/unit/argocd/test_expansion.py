"""The texts of set, set-string and set-template: Argo CD's variables in all, our placeholders in the last alone."""

from __future__ import annotations

import re

import pytest

from cmp.argocd.expansion import Expansion, Placeholders, expand
from cmp.environ import application_variables
from cmp.errors import ConfigError
from cmp.model import NEUTRAL_REVISION, BuildEnv, Parameters

ENV = BuildEnv(
    app_name="shop",
    app_namespace="ns",
    project="team",
    revision="0123456789abcdef",
    repo_url="https://git.example/x.git",
    source_path="apps/shop",
    target_revision="main",
)
KNOWN = {"app": "shop", "cluster": "dev", "namespace": "ns", "release": "shop", "env": "test"}
PLACEHOLDERS = Placeholders(KNOWN, {"env", "region", "cluster"}, "of cluster dev")


def expanded(parameters: Parameters, env: BuildEnv = ENV, *, is_set_literal: bool = False) -> Expansion:
    return expand(parameters, PLACEHOLDERS, env, is_set_literal=is_set_literal)


def in_set(text: str) -> str:
    return expanded(Parameters(set_values=(("k", text),))).parameters.set_values[0][1]


def filled(text: str) -> str:
    return expanded(Parameters(set_templates=(("k", text),))).parameters.set_templates[0][1]


def refusal(parameters: Parameters) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        expanded(parameters)
    return caught.value.what, caught.value.hint


@pytest.mark.parametrize("name", application_variables(ENV))
def test_every_variable_of_argo_cd_is_replaced_in_all_three_parameters(name: str) -> None:
    value = application_variables(ENV)[name]
    assert value
    pairs = (("a", f"x-${name}"), ("b", f"${{{name}}}y"))
    want = (("a", f"x-{value}"), ("b", f"{value}y"))
    given = Parameters(set_values=pairs, set_strings=pairs, set_templates=pairs)
    assert expanded(given) == Expansion(Parameters(set_values=want, set_strings=want, set_templates=want), ())


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("$ARGOCD_APP_NAME-$ARGOCD_APP_NAMESPACE", "shop-ns"),
        ("$ARGOCD_APP_REVISION_SHORT_8.x", "01234567.x"),
        ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
        ("$${ARGOCD_APP_NAME}", "${ARGOCD_APP_NAME}"),
        ("$$$ARGOCD_APP_NAME", "$shop"),  # as Argo CD: two of them are one
        ("$$$$ARGOCD_APP_NAME", "$$ARGOCD_APP_NAME"),
    ],
)
def test_a_dollar_before_a_variable_is_escaped_by_a_second_one(text: str, want: str) -> None:
    assert in_set(text) == filled(text) == want


@pytest.mark.parametrize(
    "text",
    [
        *("$", "$$", "$5", "a$", "$HOME", "${HOME}", "$(POD_IP)", "$$HOME", "$1.00", "${1}", "^a$"),
        *("$ARGOCD_APP_NAMES", "$ARGOCD_APP_", "${ARGOCD_APP_NAME", "${ARGOCD_APP_NAME:-x}", "ARGOCD_APP_NAME"),
        *("$ARGOCD_APP_PARAMETERS", "$ARGOCD_ENV_X", "$KUBE_VERSION", "$argocd_app_name", "$$ARGOCD_APP_NAMES"),
    ],
)
def test_every_other_dollar_stays(text: str) -> None:
    assert in_set(text) == text
    assert text.startswith("${") or filled(text) == text


def test_without_an_application_the_name_stands_and_with_no_commit_zeros_do() -> None:
    given = Parameters(set_strings=(("tag", "$ARGOCD_APP_REVISION-$ARGOCD_APP_NAME"),))
    found = expanded(given, BuildEnv())
    assert found.parameters.set_strings == (("tag", "ARGOCD_APP_REVISION-ARGOCD_APP_NAME"),)
    assert found.warnings == (
        "Argo CD replaces $ARGOCD_APP_REVISION in set-string tag; here its name stands for it",
        "Argo CD replaces $ARGOCD_APP_NAME in set-string tag; here its name stands for it",
    )
    found = expanded(given, ENV._replace(revision=NEUTRAL_REVISION))
    assert found.parameters.set_strings == (("tag", f"{'0' * 40}-shop"),)
    assert found.warnings == (
        "Argo CD puts the commit for $ARGOCD_APP_REVISION in set-string tag; here zeros stand for it",
    )


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("{app}.{cluster}.{env}", "shop.dev.test"),
        ("ns {{namespace}} pod {{pod}}", "ns {{namespace}} pod {{pod}}"),
        ("{namespace} {{namespace}}", "ns {{namespace}}"),
        ("{{{namespace}}}", "{{{namespace}}}"),
        ("{{ .Values.x }}{app}", "{{ .Values.x }}shop"),
        ('{{ printf "{app}" }} {app}', '{{ printf "{app}" }} shop'),
        ("{{cluster},{app}}", "{dev,shop}"),
        ("{a,{app}}", "{a,shop}"),
        ('{job="x"} {} { app }', '{job="x"} {} { app }'),
        ("${cluster}", "$dev"),
        ("{cluster", "{cluster"),
    ],
)
def test_a_template_is_filled_but_for_braces_of_others(text: str, want: str) -> None:
    assert filled(text) == want


def test_a_placeholder_that_nothing_fills_is_an_error() -> None:
    assert refusal(Parameters(set_templates=(("at", "{clustre}"),))) == (
        "{clustre} in the value of set-template at is not known of cluster dev",
        "did you mean `cluster`?",
    )


@pytest.mark.parametrize("text", ["{namespace}", "a {region} b", "{{cluster},b}", "${app}", "{{pod}} {app}"])
def test_a_placeholder_in_set_is_an_error_unless_the_new_meaning_is_known(text: str) -> None:
    what, hint = refusal(Parameters(set_values=(("k", text),)))
    assert re.fullmatch(r"\{\w+\} in the value of set k is a placeholder, and only set-template fills those", what)
    assert "set-template" in hint
    given = Parameters(set_values=(("k", text),), set_strings=(("k", text),))
    assert expanded(given, is_set_literal=True).parameters == given


@pytest.mark.parametrize("text", ["{{namespace}}", "{{ namespace }}", "{a,b}", "{pod}", "{{{app}}}", '{{ "{app}" }}'])
def test_what_is_no_placeholder_of_ours_reaches_the_chart_unchanged(text: str) -> None:
    given = Parameters(set_values=(("k", text),), set_strings=(("k", text),))
    assert expanded(given).parameters == given
