"""The JSON Schema and the loader are made of one specification: structurally, what one accepts the other accepts.

The schema sees a file as an editor does, through a YAML 1.2 reader that knows nothing of cmp (ruamel.yaml).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from cmp.engines import ENGINES
from cmp.model import Option
from cmp.repository.config import keys, rules
from cmp.schema import jsonschema
from cmp.schema.spec import (
    Block,
    Choice,
    Converted,
    Either,
    Exactly,
    Flag,
    Items,
    Keys,
    Map,
    Rule,
    Spec,
    Switch,
    Text,
    check,
)
from cmp.yamldoc import YamlError
from cmp.yamldoc.nodes import compose
from tests.support import property_examples
from tests.support.harness import CHECKOUT, Sandbox
from tests.support.invalid_configurations import WRONG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS = {
    **{name: facts.options for name, facts in ENGINES.items()},
    "other": (Option("flag", "flag", ""), Option("text", "text", ""), Option("texts", "texts", "")),
}
SPECS: dict[str, Spec[Any]] = {
    "cmp.yaml": keys.repository(OPTIONS),
    "cmp-app.yaml": keys.application(OPTIONS),
    "inventory": keys.INVENTORY,
}
SCHEMAS = {name: jsonschema.document(name, spec) for name, spec in SPECS.items()}
RULES = {name: rule for name, rule in vars(rules).items() if isinstance(rule, Rule)}
FEW_CHARS = (
    "a0.-_/*{}$?[]\\~:!, éあ\t\x01"  # no line feed: Python's `$`, unlike that of the schema, matches before a last one
)


def accepted_by_loader(name: str, data: bytes) -> bool:
    root, mistakes = compose(data)
    assert not mistakes
    return root is None or not check(SPECS[name], root)


def accepted_by_schema(name: str, value: object) -> bool:
    return bool(_validator(name).is_valid(value))


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_for_python(SCHEMAS[name]))


def _for_python(part: object) -> object:
    """Return a schema whose expressions mean to Python what they mean to ECMAScript, where `$` is the very end."""
    if isinstance(part, list):
        return [_for_python(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        _ends(key) if key.startswith("^") else key: _ends(value) if key == "pattern" else _for_python(value)
        for key, value in part.items()
    }


def _ends(regex: str) -> str:
    return re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", lambda found: r"\Z" if found[0] == "$" else found[0], regex)


def as_an_editor_reads(data: bytes) -> object:
    return _json(YAML(typ="safe", pure=True).load(data.decode()))


def _json(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, dt.date) else value  # JSON has no dates: they are text


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", RULES)
def test_expressions_are_those_that_ecmascript_reads_alike(name: str) -> None:
    assert not re.search(r"\(\?[P<#ims]|\\[AZdwsbDWSB]|[*+?}]\+", RULES[name].regex)


def _structures() -> list[tuple[str, str, bytes]]:
    """Return (case, kind of file, content) of every wrong configuration whose YAML is right."""
    found = []
    for wrong in WRONG:
        for path, data in wrong.files.items():
            kind = path.rpartition("/")[2] if path.endswith(("cmp.yaml", "cmp-app.yaml")) else "inventory"
            try:
                if not compose(data).mistakes:
                    found.append((wrong.name, kind, data))
            except YamlError:
                continue
    return found


@pytest.mark.parametrize(("name", "kind", "data"), _structures())
def test_both_judge_every_wrong_configuration_alike(name: str, kind: str, data: bytes) -> None:
    is_accepted = accepted_by_schema(kind, as_an_editor_reads(data))

    assert is_accepted == accepted_by_loader(kind, data)
    # What only the loader can know: the meaning of names and files, not their shape.
    cross_checked = (
        "nothing fills",
        "is not there",
        "an older cmp",
        "a newer cmp",
        "an unknown",
        "in a circle",
        "contradict",
    )
    assert not is_accepted or kind == "inventory" or any(part in name for part in cross_checked)


@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").rglob("cmp*.yaml")), ids=str)
def test_both_accept_the_examples(path: Path) -> None:
    data = path.read_bytes()

    assert accepted_by_loader(path.name, data)
    assert accepted_by_schema(path.name, as_an_editor_reads(data))


SCALARS = [
    *("1.30", "007", "1e3", ".5", "5.", "0x1F", "0o17", "+1", "-.5", "1.0", "1", "1.", "01", "0x1", "0o1", "10e-1"),
    *("-1", ".inf", "-.INF", ".nan", ".", "1e", "1:30", "2024-01-01", "true", "True", "TRUE", "tRUE", "'true'"),
    *("yes", "on", "n", "null", "~", "Null", "''", "'~'", "'1'", "a", "'{app}'", "3.18.6", "'3.18.6'", "{}", "[]"),
    *("{app}", "[a]"),
    "",
    "|\n      a",  # ends in a line feed
]


NESTED = [
    *(
        "layout:\n  apps",
        "layout:\n  values",
        "layout:\n  release",
        "tools:\n  helm",
        "clusters:\n  dev",
        "clusters:\n  file",
    ),
    *("defaults:\n  helm", "defaults:\n  output", "secrets:\n  suffixes", "clusters:\n  dev:\n    env"),
]


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize("key", ["version", "requires", "layout", "clusters", "tools", *NESTED])
def test_both_read_every_kind_of_scalar_alike(key: str, text: str) -> None:
    data = f"{key}: {text}\n".encode()

    assert accepted_by_schema("cmp.yaml", as_an_editor_reads(data)) == accepted_by_loader("cmp.yaml", data)


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize("option", ["flag", "text", "texts"])
def test_both_read_every_option_of_an_engine_alike(option: str, text: str) -> None:
    data = f"other:\n  {option}: {text}\n".encode()

    assert accepted_by_schema("cmp-app.yaml", as_an_editor_reads(data)) == accepted_by_loader("cmp-app.yaml", data)


WORDS = [
    *("helm", "other", "all", "file", "dev-cluster", "env", "app", "kubeversion", "Server", "apps/v1", "v1"),
    *("3.18.6", "3.18", "v3.18.6", "~3", ".secret.yaml", "namespaces/{app}", "clusters/{cluster}/{app}"),
    *("{app}/**/*.yaml", "a**", "../a", "/a", "a/", "..", "{cluster}-{app}", "{app", "${app}", "Web"),
    *(">=0.1", ">=0.1, <2", "", "1", "true", "~"),
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from([1.0, 0.5, 3.18]) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=4,
)
ASCII = st.characters(max_codepoint=0x7E)
TEXTS = st.sampled_from(WORDS) | st.text(FEW_CHARS, max_size=6)


def values(spec: Spec[Any]) -> st.SearchStrategy[Any]:
    """Return structures that mostly have the specified shape; now and then a part of one is something else."""
    return st.integers(0, 11).flatmap(lambda roll: JUNK if roll == 0 else _shaped(spec))


def _shaped(spec: Spec[Any]) -> st.SearchStrategy[Any]:
    return _SHAPED[type(spec)](spec)


def _text(spec: Text) -> st.SearchStrategy[str]:
    return TEXTS | st.from_regex(spec.rule.regex, fullmatch=True, alphabet=ASCII) if spec.rule else TEXTS


def _items(spec: Items[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values(spec.item), max_size=3)


def _keys(spec: Keys[Any]) -> st.SearchStrategy[Any]:
    known = {name: values(value) for name, value in spec.known.items()}
    others = _map(spec.others) if spec.others else st.just({})
    return st.builds(lambda one, two: {**two, **one}, st.fixed_dictionaries({}, optional=known), others)


def _map(spec: Map[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(TEXTS, values(spec.value), max_size=2)


_SHAPED: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    Text: _text,
    Flag: lambda _: st.booleans(),
    Exactly: lambda spec: st.sampled_from([spec.number, 1.0, 2, "1"]),
    Choice: lambda spec: st.sampled_from([*spec.words, "helmm"]),
    Items: _items,
    Keys: _keys,
    Block: _keys,
    Map: _map,
    Converted: lambda spec: _shaped(spec.spec),
    Either: lambda spec: st.one_of(*(values(shape) for shape in spec.shapes)),
    Switch: lambda spec: values(spec.present) | values(spec.absent),
}


@pytest.mark.parametrize("name", SPECS)
@settings(
    max_examples=property_examples.examples(300), deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_both_judge_generated_structures_alike(name: str, data: st.DataObject) -> None:
    value = data.draw(values(SPECS[name]))

    is_accepted = accepted_by_schema(name, value)

    event(f"{name} accepted: {is_accepted}")
    assert accepted_by_loader(name, json.dumps(value, ensure_ascii=False).encode()) == is_accepted


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=property_examples.examples(200), deadline=None, database=None)
@given(text=TEXTS | st.text(max_size=8))
def test_whatever_breaks_a_rule_is_explained_on_one_line(name: str, text: str) -> None:
    rule = RULES[name]

    assert rule.accepts(text) or rule.explain(text).isprintable()


@pytest.mark.parametrize(("argv", "name"), [([], "cmp.yaml"), *(([name], name) for name in SCHEMAS)])
def test_the_command_prints_the_schema(argv: list[str], name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("schema", *argv, cwd=tmp_path)

    assert (ran.code, ran.stderr) == (0, "")
    printed = json.loads(ran.stdout)
    assert printed["title"] == name
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(printed)


def test_the_schema_of_an_unknown_file_is_a_usage_error(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("schema", "values.yaml", cwd=tmp_path)

    assert (ran.code, ran.stdout) == (2, "")
    assert ran.first_line == (
        "cmp: Invalid value for '[cmp.yaml|cmp-app.yaml|inventory|report|check]': 'values.yaml' is not one of "
        "'cmp.yaml', 'cmp-app.yaml', 'inventory', 'report', 'check'."
    )
