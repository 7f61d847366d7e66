"""Objects get the namespace of their Application's destination, if their kind has one at all."""

from __future__ import annotations

from cmp.compare.namespaces import placed, scopes_of
from tests.support.objects import objects, value_of

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: %s, names: {kind: Widget}}
"""
WIDGET = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}"


def namespaces(text: str, **scopes: bool) -> list[str]:
    """Return the namespaces of objects, of which Widgets have the given scope."""
    known = {("example.com", kind): scope for kind, scope in scopes.items()}
    return [one.identity.namespace for one in placed(objects(text), "shop", known).objects]


def test_an_object_without_a_namespace_gets_the_destinations() -> None:
    (one,) = placed(objects("{apiVersion: v1, kind: Service, metadata: {name: a}}"), "shop", {}).objects
    assert one.identity.namespace == "shop"
    assert one.value["metadata"] == {"name": "a", "namespace": "shop"}


def test_a_namespace_of_its_own_stays() -> None:
    assert namespaces("{apiVersion: v1, kind: Service, metadata: {name: a, namespace: own}}") == ["own"]


def test_kinds_of_kubernetes_that_have_none_get_none() -> None:
    assert namespaces(
        """
        {apiVersion: v1, kind: Namespace, metadata: {name: a}}
        ---
        {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}
        ---
        {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}
        """
    ) == ["", "", "shop"]


def test_another_group_may_have_a_kind_of_that_name() -> None:
    assert namespaces("{apiVersion: example.com/v1, kind: Namespace, metadata: {name: a}}") == ["shop"]


def test_crds_say_it_of_other_kinds() -> None:
    assert namespaces(WIDGET, Widget=False) == [""]
    assert namespaces(WIDGET, Widget=True) == ["shop"]
    assert namespaces(f"{CRD % 'Cluster'}---\n{WIDGET}") == ["", ""]


def test_a_kind_that_nothing_tells_counts_as_namespaced_and_is_named_once() -> None:
    two = placed(objects(f"{WIDGET}\n---\n{WIDGET}"), "shop", {})
    assert ([one.identity.namespace for one in two.objects], two.assumed) == (
        ["shop", "shop"],
        (("example.com", "Widget"),),
    )
    assert placed(objects(WIDGET), "shop", {("example.com", "Widget"): True}).assumed == ()


def test_without_a_destination_nothing_changes() -> None:
    given = objects(WIDGET)
    assert placed(given, "", {}) == (tuple(given), ())


def test_only_a_crd_defines_a_kind() -> None:
    assert scopes_of(value_of(CRD % "Namespaced")) == {("example.com", "Widget"): True}
    assert scopes_of(value_of("{kind: CustomResourceDefinition, spec: {group: a, names: {kind: b}}}")) == {}
    assert scopes_of([]) == {}
