"""What cue is asked for: its arguments, from the options of the instance and what is known of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.engines import placeholders
from cmp.engines.cue.messages import CHECKED
from cmp.engines.registry import CUE
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cmp.model import Instance

OBJECTS = "objects"
VALUES = "values"  # the field of the package that the layers become

_NAME = re.compile(r"[A-Za-z_]\w*")


class Call(NamedTuple):
    """One call of cue: what it exports of which package, or its command; and the tags.

    `given` are the tags that somebody set, `known` those that the package declares and that have the name of something
    that is known of the instance.
    """

    expression: str
    package: str
    command: str
    given: Mapping[str, str]
    known: Mapping[str, str]

    def without(self, tag: str) -> Call:
        """Return the call without a known tag."""
        return self._replace(known={name: value for name, value in self.known.items() if name != tag})

    def arguments(self, layers: Collection[str], *, as_json: bool = False) -> Iterator[str]:
        """Yield the arguments; what is exported is a stream of YAML, or one list as JSON."""
        where = f".:{self.package}" if self.package else "."
        if self.command:
            yield from ("cmd", self.command, where)
        else:
            objects = f"[{', '.join(self._elements(has_layers=bool(layers)))}]"
            yield from ("export", where, *layers, *(("--path", f"{VALUES}:") if layers else ()))
            yield from ("--expression", objects if as_json else f"yaml.MarshalStream({objects})")
            yield from ("--out", "json" if as_json else "text")
        for name, value in {**self.known, **self.given}.items():
            yield from ("--inject", f"{name}={value}")

    def _elements(self, *, has_layers: bool) -> Iterator[str]:
        """Yield what makes the list of objects, in CUE.

        cue looks only at what it exports: the values are part of that where they are wrong, used or not.
        """
        if has_layers:
            yield f"if {VALUES} == _|_ {{{CHECKED}: {VALUES}}}"
        yield f"for object in ({self.expression}) {{object}}"  # the elements of a list, or the fields of a map


def of(instance: Instance, declared: Collection[str]) -> Call:
    """Return the call for an instance whose package declares these tags; ConfigError for options that make no sense."""
    options = instance.options.get(CUE, {})
    command = cast("str", options.get("command", ""))
    if command and not _NAME.fullmatch(command):
        raise ConfigError("cue.command is not the name of a command", hint="a name has letters, digits and `_`")
    tags = cast("Mapping[str, str]", options.get("tags", {}))
    filled = {
        name: placeholders.filled(value, f"the value of the tag {name}", instance) for name, value in tags.items()
    }
    return Call(
        expression=cast("str", options.get("expression", OBJECTS)),
        package=cast("str", options.get("package", "")),
        command=command,
        given={**filled, **dict(instance.parameters.set_values), **dict(instance.parameters.set_strings)},
        known={name: value for name, value in instance.known.items() if name in declared},
    )
