"""The table of tests/data/charts: what a person writes for helm, and what for cmp."""

from __future__ import annotations

from typing import NamedTuple

# shared/radio depends on shared/tuner: helm wants each chart's own dependencies in place first.
WITH_DEPENDENCIES = ("shared/radio", "apps/subcharts", "apps/legacy", "apps/nulls")
IN_CLUSTER = {
    "corner": [
        *("--namespace", "east-{app}", "--kube-version", "1.31.4", "--include-crds"),
        *("--api-versions", "corner.example/v1", "--api-versions", "corner.example/v1/Widget"),
        *("--api-versions", "policy/v1beta1/PodSecurityPolicy"),
    ],
    "plain": ["--namespace", "west-{app}"],
}


class Corner(NamedTuple):
    """One application on one cluster of tests/data/charts: what a person writes for helm, and what for cmp."""

    app: str
    cluster: str
    layers: tuple[str, ...] = ()
    helm: tuple[str, ...] = ()
    cmp: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the case in test ids."""
        return "-".join((self.app, self.cluster, *self.cmp))


def layers(app: str, cluster: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"clusters/{cluster}/{app}/{number}-values.yaml" for number in numbers)


def corner(app: str, *numbers: int, cluster: str = "corner", common: tuple[str, ...] = ()) -> Corner:
    return Corner(app, cluster, (*common, *layers(app, cluster, *numbers)))


def setting(helm: tuple[str, ...], cmp: tuple[str, ...]) -> Corner:
    return Corner("settings", "corner", layers("settings", "corner", 10), helm, cmp)


CORNERS = [
    corner("hooks", 10),
    # its cmp-app.yaml says skipCrds and skipTests
    corner("hooks", 10, cluster="plain")._replace(helm=("--skip-tests",)),
    corner("subcharts", 10, 20),
    corner("subcharts", 10, cluster="plain")._replace(helm=("--include-crds",)),
    corner("legacy", 10),
    corner("capabilities"),
    corner("capabilities", cluster="plain")._replace(helm=("--include-crds",)),
    corner("capabilities", cluster="plain")._replace(
        helm=("--kube-version", "1.29", "--api-versions", "corner.example/v1/Gadget", "--include-crds"),
        cmp=("--kube-version", "1.29", "--api-versions", "corner.example/v1/Gadget"),
    ),
    corner("files"),
    corner("schema", 10),
    corner("nulls", 10, 20, 30, common=("apps/nulls/common-values.yaml",)),
    corner("nulls", 10, cluster="plain", common=("apps/nulls/common-values.yaml",))._replace(helm=("--include-crds",)),
    corner("numbers", 10),
    corner("templates", 10),
    corner("traps", 10, 20),
    corner("text", 10, 20, 30),
    setting(("--set", r"text=a\,b"), ("--set", "text=a,b")),
    setting(("--set", r"text=a\,b"), ("--set", r"text=a\,b")),
    setting(("--set", "list={x,y z}"), ("--set", "list={x,y z}")),
    setting(("--set", "list=null"), ("--set", "list=null")),
    setting(("--set", "sparse[3]=1"), ("--set", "sparse[3]=1")),
    setting(("--set", r"map.a\.b=dot,map.a.b=2"), ("--set", r"map.a\.b=dot", "--set", "map.a.b=2")),
    setting(("--set", "text=a=b"), ("--set", "text=a=b")),
    setting(("--set", "text="), ("--set", "text=")),
    setting(("--set", "n=9007199254740993"), ("--set", "n=9007199254740993")),
    setting(("--set", "text=みどり"), ("--set", "text=みどり")),
    setting(
        ("--set", "a=1,b=true,c=1e3,d=0644"), ("--set", "a=1", "--set", "b=true", "--set", "c=1e3", "--set", "d=0644")
    ),
    setting(
        ("--set", "a=1", "--set-string", "a=2,b=true,c={x,y}"),
        ("--set-string", "a=2", "--set", "a=1", "--set-string", "b=true", "--set-string", "c={x,y}"),
    ),
]
