"""What an instance asks of helmfile: its environment, selectors and state values, placeholders filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.engines import placeholders
from cmp.engines.helmfile import setvalues
from cmp.engines.registry import HELM, HELMFILE
from cmp.model import ToolPin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.helmfile.setvalues import Map
    from cmp.model import Instance

DEFAULT = "default"  # helmfile's own name for the environment that nobody chose


class Options(NamedTuple):
    """The options of one instance; `state_values` are texts by their keys."""

    environment: str
    selectors: tuple[str, ...]
    state_values: Mapping[str, str]
    skip_crds: bool
    skip_tests: bool


def of(instance: Instance) -> Options:
    """Return the options; ConfigError for a placeholder that nothing fills."""
    given = instance.options.get(HELMFILE, {})
    environment = instance.parameters.environment or cast("str", given.get("environment", DEFAULT))
    selectors = cast("tuple[str, ...]", given.get("selectors", ()))
    values = cast("Mapping[str, str]", given.get("stateValues", {}))
    return Options(
        environment=_filled(environment, "environment", instance),
        selectors=tuple(_filled(selector, "selectors", instance) for selector in selectors),
        state_values={key: _filled(value, f"stateValues: {key}", instance) for key, value in values.items()},
        skip_crds=bool(given.get("skipCrds")),
        skip_tests=bool(given.get("skipTests")),
    )


def helm_pin(instance: Instance) -> ToolPin:
    """Return the pin of the helm that helmfile runs."""
    own = instance.options.get(HELMFILE, {}).get("helmVersion")
    return ToolPin(HELM, str(own), f"{HELMFILE}.helmVersion") if own else instance.pins[HELM]


def state_values(options: Options, instance: Instance) -> list[Map]:
    """Return what the options set for `.Values` of the state, and what parameters set, which is stronger."""
    texts = setvalues.tree((), options.state_values.items())
    return [texts, setvalues.tree(instance.parameters.set_values, instance.parameters.set_strings)]


def _filled(text: str, option: str, instance: Instance) -> str:
    return placeholders.filled(text, f"`{HELMFILE}: {{{option}}}`", instance)
