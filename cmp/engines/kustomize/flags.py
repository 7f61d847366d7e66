"""The flags of `kustomize build` that `buildOptions` asks for; which it may ask for, the policy has said."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp.engines.kustomize import options
from cmp.engines.registry import KUSTOMIZE
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.kustomize.rewrite import Build


def given(build: Build) -> Iterator[str]:
    """Yield them as the pinned version spells them: 3.x has underscores."""
    is_old = numbers(build.work.tools[KUSTOMIZE].version) < (4,)
    for flag in cast("tuple[str, ...]", options.of(build.instance).get("buildOptions", ())):
        name, separator, value = flag.partition("=")
        yield f"--{name[2:].replace('-', '_') if is_old else name[2:]}{separator}{value}"
