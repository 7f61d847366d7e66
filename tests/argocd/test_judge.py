"""cmp and a real API server as judges of the same objects: nothing that the server takes is refused.

docs/not-judged.md lists what the server refuses and cmp takes; `pytest --update-golden` writes its table.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.harness import CHECKOUT
from tests.support.judge_cases import right, wrong

if TYPE_CHECKING:
    import pytest

    from tests.argocd.kube import Kube
    from tests.argocd.world import ArgoCD
    from tests.support.judge_cases import Case

PAGE = CHECKOUT / "docs/not-judged.md"
TABLE = "| kind | mistake |\n|---|---|\n"
MIN_CASES = 150


class Server:
    """The API server as a judge, which stores nothing."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._resources: dict[str, dict[str, str]] = {}
        self.version = str(json.loads(kube.raw("GET", "/version"))["gitVersion"])

    def refusal(self, case: Case) -> str:
        """Return why the server refuses an object, or an empty text."""
        try:
            resource = self._kinds(case.api_version).get(case.kind)
            if resource is None:
                return "no such kind"
            self._kube.send_yaml(f"{resource}?dryRun=All&fieldValidation=Strict", case.text)
        except (AssertionError, LookupError) as error:
            return str(error)
        return ""

    def _kinds(self, api_version: str) -> dict[str, str]:
        """Return the paths to which objects of a version of the API are sent; LookupError if it is not served."""
        if api_version not in self._resources:
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            found = json.loads(self._kube.raw("GET", root))["resources"]
            self._resources[api_version] = {
                one["kind"]: f"{root}/namespaces/shop/{one['name']}" if one["namespaced"] else f"{root}/{one['name']}"
                for one in found
                if "/" not in one["name"]
            }
        return self._resources[api_version]


def test_no_object_that_the_server_takes_is_refused(argocd: ArgoCD, request: pytest.FixtureRequest) -> None:
    argocd.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    server = Server(argocd.kube)
    cases = [*right().values(), *wrong()]
    assert len(cases) >= MIN_CASES
    refusals = {(case.name, case.why): server.refusal(case) for case in cases}
    assert {name: why for (name, mistake), why in refusals.items() if why and not mistake} == {}
    found = {(case.name, case.why): case.findings(server.version) for case in cases}
    assert {key: findings for key, findings in found.items() if findings and not refusals[key]} == {}
    kinds = {name: case.kind for name, case in right().items()}
    missed = {(kinds[name], why) for (name, why), refusal in refusals.items() if refusal and not found[name, why]}
    rows = "".join(f"| {kind} | {why} |\n" for kind, why in sorted(missed))
    text = PAGE.read_text()
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text.partition(TABLE)[0] + TABLE + rows)
    assert PAGE.read_text().partition(TABLE)[2] == rows
