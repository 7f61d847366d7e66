"""Argo CD's own settings, as far as they decide what its repo-server renders, and the tools that it bundles.

Source of the tools: argoproj/argo-cd, hack/tool-versions.sh; of the settings: util/settings/settings.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING, ToolPin
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

# The tools of each tested version, by what changes with it; the last one is the newest.
BUNDLED: Mapping[str, Mapping[str, str]] = {
    "3.2": {"helm": "3.18.4", "kustomize": "5.7.0"},
    "3.6": {"helm": "4.3.1", "kustomize": "5.8.3"},
}
NEWEST = [*BUNDLED][-1]
SCHEMES = ("https", "http")
VALUE_FILE_GLOBS = (3, 4)  # from here on `valueFiles` takes patterns, and each file once
SELECTED_TEXTS = (3, 4)  # from here on a selector beside a generator sees labels also with Go templates
WAITING_VALUES = (3, 4)  # from here on `values` in a matrix may wait for the parameters of their own generator
HIDDEN_ANNOTATIONS = (3, 6)  # from here on Argo CD's own annotations of a cluster are no parameters
EXTENSION_FILTER = (3, 3)  # from here on `directory` has `disableExtensionFilter`, which the API server dropped before
COMPONENTS_UNTIL_FIRST = (3, 3)  # from here on `ignoreMissingComponents` looks for no component behind the first there
ENABLE_HELM = "--enable-helm"


class ArgoCDSettings(NamedTuple):
    """The settings of one Argo CD; `assumed` says in a sentence where they come from.

    `schemes` are those of the URLs that `valueFiles` may have.  `build_options` are flags of `kustomize build` in one
    text; what a ConfigMap says of single versions of kustomize has no effect (util/kustomize/kustomize.go, `Build`).
    """

    version: str
    helm: ToolPin
    kustomize: ToolPin
    schemes: tuple[str, ...] = SCHEMES
    build_options: str = ""
    assumed: str = ""

    def is_from(self, version: tuple[int, ...]) -> bool:
        """Say whether this Argo CD is at least of a version."""
        return numbers(self.version)[:2] >= version


def bundled(version: str) -> Mapping[str, str]:
    """Return the tools of an Argo CD by name; none of a version that is not known here."""
    return BUNDLED.get(".".join(version.split(".")[:2]), NOTHING)
