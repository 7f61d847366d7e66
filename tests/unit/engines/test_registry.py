"""The options of the engines: typed values and their specification say the same."""

from __future__ import annotations

import pytest

from cmp.engines import registry
from cmp.engines.registry import ENGINES, Options, field_name

TYPES = {
    "flag": "bool",
    "text": "str",
    "version": "str",
    "texts": "tuple[str, ...]",
    "map": "Mapping[str, str]",
    "variables": "Mapping[str, str]",
    "state": "str",
    "records": "tuple[Mapping[str, ",
}


@pytest.mark.parametrize("kind", Options.__subclasses__(), ids=lambda kind: str(kind.engine))
def test_every_option_has_a_field_of_its_type_and_no_other(kind: type[Options]) -> None:
    fields = dict(kind.__annotations__)
    specified = {field_name(option.name): TYPES[option.kind] for option in ENGINES[kind.engine].options}
    assert list(fields) == list(specified)
    assert [name for name, text in fields.items() if not text.startswith(specified[name])] == []


def test_every_engine_has_such_options() -> None:
    assert {kind.engine for kind in Options.__subclasses__()} == set(ENGINES)


def test_what_is_not_written_is_the_default_and_nothing_changes_it() -> None:
    options = registry.HelmOptions({"helm": {"skipCrds": True}, "cue": {"package": "a"}})
    assert (options.skip_crds, options.skip_tests, options.extra_flags) == (True, False, ())
    with pytest.raises(AttributeError):
        options.skip_crds = False
