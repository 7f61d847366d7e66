"""Policies of Gatekeeper for tests: templates in Rego and CEL, constraints, and their judgement by the real gator."""

from __future__ import annotations

import io
from textwrap import dedent, indent
from typing import TYPE_CHECKING

from cmp import environ
from cmp.checks.policies import documents, judge
from cmp.context import Context
from cmp.model import Tool
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from tests.support.objects import objects
from tests.support.trees import plant
from tests.support.versions import GATOR

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.checks.policies.documents import Policies
    from cmp.checks.policies.judge import Judgement
    from cmp.findings import Finding

TARGET = "admission.k8s.gatekeeper.sh"

OWNER = """
package owner
violation[{"msg": msg}] {
  wanted := {key | key := input.parameters.labels[_]}
  given := {key | input.review.object.metadata.labels[key]}
  missing := wanted - given
  count(missing) > 0
  msg := sprintf("it has no label %v", [concat(", ", sort(missing))])
}
"""
LATEST = """
package latest
violation[{"msg": msg}] {
  container := input.review.object.spec.template.spec.containers[_]
  endswith(container.image, ":latest")
  msg := sprintf("container %v has the tag latest", [container.name])
}
"""
REPOSITORIES = """
package repositories
violation[{"msg": msg}] {
  container := input.review.object.spec.template.spec.containers[_]
  not allowed(container.image)
  msg := sprintf("image %v is from elsewhere", [container.image])
}
allowed(image) { startswith(image, input.parameters.repositories[_]) }
"""
SECRETS = """
package secrets
violation[{"msg": msg}] {
  value := input.review.object.data[key]
  msg := sprintf("key %v has the value %v", [key, value])
}
"""
HOSTS = """
package hosts
violation[{"msg": msg}] {
  host := input.review.object.spec.rules[_].host
  other := data.inventory.namespace[_][_]["Ingress"][name]
  other.spec.rules[_].host == host
  name != input.review.object.metadata.name
  msg := sprintf("host %v is that of %v", [host, name])
}
"""
CREATED = """
package created
violation[{"msg": "it is new"}] { not is_update(input.review) }
is_update(review) { review.operation == "UPDATE" }
"""
ASKED = """
package asked
violation[{"msg": "not by you"}] { input.review.userInfo.username != "admin" }
"""
REPLICAS = """
variables:
  - {name: replicas, expression: "has(object.spec.replicas) ? object.spec.replicas : 1"}
validations:
  - {expression: "variables.replicas <= 3", messageExpression: "'there are ' + string(variables.replicas) + ' of it'"}
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 5
  template: {spec: {containers: [{name: web, image: "docker.example.com/web:latest"}]}}
"""


def template(kind: str, rego: str = OWNER) -> str:
    """Return a ConstraintTemplate in Rego."""
    return _template(kind, f"rego: |\n{indent(rego.strip(), '  ')}")


def cel_template(kind: str, source: str = REPLICAS) -> str:
    """Return a ConstraintTemplate in CEL."""
    return _template(kind, f"code:\n  - engine: K8sNativeValidation\n    source:\n{indent(source.strip(), '      ')}")


def _template(kind: str, code: str) -> str:
    return f"""\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {{name: {kind.lower()}}}
spec:
  crd:
    spec:
      names: {{kind: {kind}}}
      validation: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
  targets:
    - target: {TARGET}
{indent(code, "      ")}
"""


def constraint(kind: str, name: str = "it", spec: str = "{}") -> str:
    """Return a constraint; its `spec` is in YAML."""
    return f"""\
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: {kind}
metadata: {{name: {name}}}
spec: {spec}
"""


def config(excluded: str, *processes: str) -> str:
    """Return a Config that excludes some namespaces."""
    return f"""\
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {{name: config, namespace: gatekeeper-system}}
spec: {{match: [{{excludedNamespaces: [{excluded}], processes: [{", ".join(f'"{one}"' for one in processes)}]}}]}}
"""


def read(root: Path, *files: str) -> Policies:
    """Return the policies of files in the folder `policies`, which are called a.yaml, b.yaml and so on."""
    tree = plant(root, {f"policies/{chr(97 + number)}.yaml": text for number, text in enumerate(files)})
    return documents.read(tree, ["policies"])


class Judge:
    """The real gator on the policies of a test."""

    def __init__(self, root: Path, tools_dir: str) -> None:
        self._root = root
        self._tool = Tool("gator", GATOR, f"{tools_dir}/gator/{GATOR}/gator", "")
        self.redactor = Redactor()

    def context(self) -> Context:
        settings = environ.read({"HOME": str(self._root)}, default_deadline=60).settings
        return Context(settings, Deadline(60), self.redactor, Log(io.StringIO(), self.redactor.mask), Phases())

    def judgement(self, pairs: list[str], *files: str) -> Judgement:
        """Judge the objects of some pairs, each a stream of YAML, by policies of files."""
        policies = read(self._root, *files)
        return judge.judge(policies, [objects(dedent(pair)) for pair in pairs], self._tool, self.context())

    def findings(self, pair: str, *files: str) -> list[Finding]:
        """Judge the objects of one pair."""
        (findings,) = self.judgement([pair], *files).findings
        return [*findings]
