"""An Application's parameters are read by name, from the three places where Argo CD may have put them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cmp.argocd import parameters
from cmp.errors import ConfigError
from cmp.model import Parameters

CHECKOUT = Path(__file__).resolve().parents[3]


def read(*elements: object, **env: str) -> Parameters:
    return parameters.read({"ARGOCD_APP_PARAMETERS": json.dumps(elements), **env})


def refusal(env: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        parameters.read(env)
    return caught.value.what


@pytest.mark.parametrize("env", [{}, {"ARGOCD_APP_PARAMETERS": "null"}, {"ARGOCD_APP_PARAMETERS": ""}, {"OTHER": "x"}])
def test_an_application_without_parameters_sets_nothing(env: dict[str, str]) -> None:
    assert parameters.read(env) == Parameters()


def test_every_parameter_is_read() -> None:
    assert read(
        {"name": "cluster", "string": "dev"},
        {"name": "values", "array": ["b.yaml", "a.yaml"]},
        {"name": "values-yaml", "string": "a: 1\n"},
        {"name": "set", "map": {"image.tag": "1", "a-b": ""}},
        {"name": "set-string", "map": {"port": "80"}},
        {"name": "set-template", "map": {"host": "{app}.test"}},
        {"name": "release", "string": "shop"},
        {"name": "helm-version", "string": "3.14.4"},
        {"name": "kustomize-version", "string": "5.7.1"},
    ) == Parameters(
        cluster="dev",
        values_files=("b.yaml", "a.yaml"),
        values_yaml="a: 1\n",
        set_values=(("image.tag", "1"), ("a-b", "")),
        set_strings=(("port", "80"),),
        set_templates=(("host", "{app}.test"),),
        release="shop",
        tool_versions={"helm": "3.14.4", "kustomize": "5.7.1"},
    )


def test_what_repo_server_leaves_of_another_entry_is_ignored() -> None:
    """It lays the entries of `.argocd-source.yaml` over those of the Application by position."""
    assert read({"name": "set", "map": {"a": "b"}, "string": "dev", "array": []}) == Parameters(
        set_values=(("a", "b"),)
    )


@pytest.mark.parametrize(
    "element",
    [
        {"name": "cluster"},
        {"name": "cluster", "string": ""},
        {"name": "cluster", "string": None, "array": None, "map": None},
        {"name": "values", "array": []},
        {"name": "set", "map": {}},
        {"name": "values", "array": ["", " "]},
        {"name": "set-string", "map": {"": ""}},
    ],
)
def test_an_empty_parameter_sets_nothing(element: object) -> None:
    assert read(element) == Parameters()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "ARGOCD_APP_PARAMETERS is not JSON"),
        ("[" * 100_000, "ARGOCD_APP_PARAMETERS is not JSON"),
        ("{}", "ARGOCD_APP_PARAMETERS is not an array of objects"),
        ('["cluster"]', "ARGOCD_APP_PARAMETERS is not an array of objects"),
        ('[{"name": "clutser", "string": "dev"}]', "unknown parameter `clutser`; did you mean `cluster`?"),
        ('[{"name": "helm-version\\n"}]', "unknown parameter `helm-version\\n`; did you mean `helm-version`?"),
        (
            '[{"name": "x"}]',
            f"unknown parameter `x`; known here: {', '.join(sorted(parameters.KINDS))}",
        ),
        ('[{"string": "x"}]', "a parameter in ARGOCD_APP_PARAMETERS has no name"),
        ('[{"name": 1}]', "a parameter in ARGOCD_APP_PARAMETERS has no name"),
        ('[{"name": []}]', "a parameter in ARGOCD_APP_PARAMETERS has no name"),
        ('[{"name": "cluster", "array": ["dev"]}]', "the parameter cluster must be a string, not an array of strings"),
        ('[{"name": "cluster", "string": 1}]', "the parameter cluster must be a string"),
        ('[{"name": "values", "string": "a"}]', "the parameter values must be an array of strings, not a string"),
        ('[{"name": "values", "array": "a"}]', "the parameter values must be an array of strings"),
        ('[{"name": "values", "array": [1]}]', "the parameter values must be an array of strings"),
        ('[{"name": "set", "array": ["a=b"]}]', "the parameter set must be a map of strings, not an array of strings"),
        ('[{"name": "set", "map": {"a": 1}}]', "the parameter set must be a map of strings"),
        ('[{"name": "set", "map": {"": "x"}}]', "the parameter set has a value without a key"),
        (
            '[{"name": "release", "string": "a"}, {"name": "release", "string": "a"}]',
            "the parameter release is given twice",
        ),
    ],
)
def test_a_wrong_parameter_is_an_error(text: str, message: str) -> None:
    assert refusal({"ARGOCD_APP_PARAMETERS": text}) == message


def test_all_mistakes_are_told_at_once_and_the_rest_can_be_had() -> None:
    elements = (
        {"name": "x-y"},
        {"name": "cluster", "string": "dev"},
        {"string": "x"},
        {"name": "values", "string": "a"},
        {"name": "set", "map": {"a": "b"}},
        {"name": "set", "map": {"a": "b"}},
    )
    env = {"ARGOCD_APP_PARAMETERS": json.dumps(elements), "ARGOCD_ENV_CLUSTER": "prod", "ARGOCD_ENV_SET_STRING": "a"}
    found, mistakes = parameters.sift(env)
    assert found == Parameters(cluster="dev", set_values=(("a", "b"),))
    assert [mistake.partition(";")[0] for mistake in mistakes] == [
        "unknown parameter `x-y`",
        "a parameter in ARGOCD_APP_PARAMETERS has no name",
        "the parameter values must be an array of strings, not a string",
        "the parameter set is given twice",
        "ARGOCD_ENV_SET_STRING must have one key=value a line",
        "two clusters are asked for: dev by the parameter cluster, prod by ARGOCD_ENV_CLUSTER",
    ]
    assert refusal(env) == "; ".join(mistakes)


def test_the_example_application_set_uses_parameters_that_there_are() -> None:
    text = (CHECKOUT / "manifests/examples/applicationset.yaml").read_text("utf-8")
    given = read(*yaml.safe_load(text)["spec"]["template"]["spec"]["source"]["plugin"]["parameters"])
    assert given.cluster == "{{ .name }}"
    assert {key for key, _ in given.set_strings} == {"global.cluster", "global.env", "global.domain"}


def test_the_copies_of_the_parameters_are_read_only_without_the_json() -> None:
    copies = {"PARAM_CLUSTER": "dev", "PARAM_VALUES_YAML": "a: 1", "PARAM_HELM_VERSION": "3.14.4"}
    copies |= {f"PARAM_VALUES_{number}": f"{number}.yaml" for number in range(11)}
    assert parameters.read({**copies, "PARAM_OTHER": "x"}) == Parameters(
        cluster="dev",
        values_files=tuple(f"{number}.yaml" for number in range(11)),
        values_yaml="a: 1",
        tool_versions={"helm": "3.14.4"},
    )
    assert read({"name": "release", "string": "r"}, **copies) == Parameters(release="r")


@pytest.mark.parametrize("name", ["PARAM_SET_IMAGE_TAG", "PARAM_SET_STRING_PORT", "PARAM_SET_TEMPLATE_HOST"])
def test_a_map_cannot_be_read_from_the_copies(name: str) -> None:
    assert refusal({name: "1"}) == (
        "PARAM_SET_* does not tell the keys of set, set-string and set-template, and ARGOCD_APP_PARAMETERS is not set"
    )
    assert read({"name": "set", "map": {"image.tag": "1"}}, **{name: "1"}).set_values == (("image.tag", "1"),)


def test_variables_of_the_application_fill_what_parameters_leave_out() -> None:
    env = {
        "ARGOCD_ENV_CLUSTER": "dev",
        "ARGOCD_ENV_RELEASE": "of-env",
        "ARGOCD_ENV_VALUES": "a.yaml\n\n  b c.yaml\n",
        "ARGOCD_ENV_VALUES_YAML": "a: 1",
        "ARGOCD_ENV_SET": "a.b=c=d\nempty=",
        "ARGOCD_ENV_SET_STRING": "x=1",
        "ARGOCD_ENV_KUSTOMIZE_VERSION": "5.7.1",
        "ARGOCD_ENV_HELM_VERSION": "",
        "ARGOCD_ENV_PATH": "/evil",
    }
    assert parameters.read(env) == Parameters(
        cluster="dev",
        release="of-env",
        values_files=("a.yaml", "b c.yaml"),
        values_yaml="a: 1",
        set_values=(("a.b", "c=d"), ("empty", "")),
        set_strings=(("x", "1"),),
        tool_versions={"kustomize": "5.7.1"},
    )
    given = read({"name": "release", "string": "r"}, {"name": "values", "array": ["z.yaml"]}, **env)
    assert (given.release, given.values_files, given.cluster) == ("r", ("z.yaml",), "dev")


@pytest.mark.parametrize("text", ["novalue", "=x", "a=b\nc"])
def test_a_variable_with_a_broken_map_is_an_error(text: str) -> None:
    assert refusal({"ARGOCD_ENV_SET": text}) == "ARGOCD_ENV_SET must have one key=value a line"


def test_parameter_and_variable_must_agree_on_the_cluster() -> None:
    assert read({"name": "cluster", "string": "dev"}, ARGOCD_ENV_CLUSTER="dev").cluster == "dev"
    text = '[{"name": "cluster", "string": "dev"}]'
    assert refusal({"ARGOCD_APP_PARAMETERS": text, "ARGOCD_ENV_CLUSTER": "prod"}) == (
        "two clusters are asked for: dev by the parameter cluster, prod by ARGOCD_ENV_CLUSTER"
    )


def test_the_stronger_parameters_lie_over_the_weaker() -> None:
    weaker = Parameters(
        cluster="c",
        release="weak",
        values_files=("a",),
        set_values=(("x", "1"), ("y", "1")),
        set_strings=(("s", "1"),),
        tool_versions={"helm": "1", "kustomize": "1"},
        api_versions=("v1",),
    )
    stronger = Parameters(
        release="strong",
        namespace="n",
        values_files=("b",),
        set_values=(("x", "2"), ("z", "2")),
        tool_versions={"helm": "2"},
    )
    assert parameters.merge(weaker, stronger) == Parameters(
        cluster="c",
        release="strong",
        namespace="n",
        values_files=("a", "b"),
        set_values=(("y", "1"), ("x", "2"), ("z", "2")),
        set_strings=(("s", "1"),),
        tool_versions={"helm": "2", "kustomize": "1"},
        api_versions=("v1",),
    )
    assert parameters.merge(Parameters(), weaker) == weaker == parameters.merge(weaker, Parameters())


def test_a_key_of_the_stronger_parameters_replaces_it_whichever_map_has_it() -> None:
    weaker = Parameters(set_values=(("a", "1"),), set_strings=(("b", "1"), ("x", "1")), set_templates=(("c", "{app}"),))
    stronger = Parameters(set_values=(("b", "2"), ("c", "2")), set_strings=(("a", "2"),))
    assert parameters.merge(weaker, stronger) == Parameters(
        set_values=(("b", "2"), ("c", "2")), set_strings=(("x", "1"), ("a", "2"))
    )


def test_json_is_imported_only_for_parameters() -> None:
    code = (
        "import sys; from cmp.argocd import parameters; parameters.read({'ARGOCD_APP_PARAMETERS': 'null'}); "
        "sys.exit('json' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0
