"""Checked nodes -> typed values.  Only documents without a structural mistake come here: shapes are not asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.model import Cluster, ToolPin
from cmp.repository.config.keys import TOOLS
from cmp.repository.config.reference import LAYOUT, PINS, SUFFIXES
from cmp.repository.config.scalars import TRUE
from cmp.repository.config.values import AppConfig, ClusterChoice, Config, Layout, Preview, ValuesPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.changes import Rule
    from cmp.model import Option
    from cmp.repository.config.keys import Engines
    from cmp.yamldoc.nodes import Node

_CLUSTER_KEYS = frozenset({"kubeVersion", "apiVersions", "server", "labels", "annotations"})


def config(root: Node, inventory: Node | None, file: str, engines: Engines) -> Config:
    """Make the repository's configuration; what it leaves out is as in the reference layout."""
    suffixes = at(root, "secrets", "suffixes")
    pins = _pins(at(root, "tools"), file)
    defaults = at(root, "defaults")
    return Config(
        layout=_layout(at(root, "layout"), file),
        clusters=_clusters(inventory),
        secret_suffixes=SUFFIXES if suffixes is None else _texts(suffixes),
        defaults=AppConfig(
            tools={**PINS, **pins},
            options=_options(defaults, engines),
            output=_output(at(defaults, "output")),
        ),
        source=file,
        inventory=_text(at(root, "clusters"), "file") if _is_named(at(root, "clusters")) else "",
        preview=_preview(at(root, "preview")),
    )


def app_config(root: Node, file: str, engines: Engines) -> AppConfig:
    """Make the configuration of one application or instance."""
    engine, files = at(root, "engine"), at(root, "secrets", "files")
    return AppConfig(
        engines=() if engine is None else _texts(engine) if engine.kind == "list" else (engine.text,),
        tools=_pins(at(root, "tools"), file),
        release=_text(root, "release"),
        namespace=_text(root, "namespace"),
        clusters=_choice(at(root, "clusters"), file),
        values=_values(at(root, "values"), file),
        options=_options(root, engines),
        output=_output(at(root, "output")),
        secret_files=() if files is None else _texts(files),
    )


def at(node: Node | None, *names: str) -> Node | None:
    """Return what lies below these keys, if it is there."""
    for name in names:
        field = node.fields.get(name) if node else None
        node = field.value if field else None
    return node


def _text(node: Node | None, name: str, default: str = "") -> str:
    found = at(node, name)
    return default if found is None else found.text


def _texts(node: Node) -> tuple[str, ...]:
    return tuple(item.text for item in node.items)


def _map(node: Node | None) -> dict[str, str]:
    return {name: field.value.text for name, field in node.fields.items()} if node else {}


def _place(node: Node, file: str) -> str:
    return f"{file}:{node.line}:{node.column}"


def _layout(node: Node | None, file: str) -> Layout:
    values, ignore = at(node, "values"), at(node, "ignore")
    return Layout(
        apps=_text(node, "apps", LAYOUT.apps),
        instances=_text(node, "instances", LAYOUT.instances),
        values=LAYOUT.values if values is None else _values(values, file),
        release=_text(node, "release"),
        namespace=_text(node, "namespace"),
        ignore=() if ignore is None else _texts(ignore),
    )


def _is_named(clusters: Node | None) -> bool:
    file = at(clusters, "file")
    return file is not None and file.kind == "scalar"


def _preview(node: Node | None) -> Preview:
    if node is None:
        return Preview()
    applications, ignore, noise = at(node, "applications"), at(node, "ignore"), at(node, "noise")
    return Preview(
        () if applications is None else _texts(applications),
        () if ignore is None else _texts(ignore),
        tuple(_rule(item) for item in (noise.items if noise else ())),
    )


def _rule(node: Node) -> Rule:
    from cmp.changes import EVERYTHING, Rule  # noqa: PLC0415  # no render needs it

    path = at(node, "path")
    return Rule(
        name=_text(node, "name"),
        group=_text(node, "group"),
        kind=_text(node, "kind"),
        namespace=_text(node, "namespace"),
        object=_text(node, "object"),
        path=EVERYTHING if path is None else _texts(path),
        pattern=_text(node, "matches"),
    )


def _values(node: Node | None, file: str) -> tuple[ValuesPattern, ...]:
    return tuple(_pattern(item, file) for item in node.items) if node else ()


def _pattern(node: Node, file: str) -> ValuesPattern:
    if node.kind == "scalar":
        return ValuesPattern(node.text, place=_place(node, file))
    return ValuesPattern(_text(node, "path"), _text(node, "optional") in TRUE, _place(node.fields["path"].value, file))


def _clusters(node: Node | None) -> Mapping[str, Cluster]:
    return {name: _cluster(name, field.value) for name, field in node.fields.items()} if node else {}


def _cluster(name: str, node: Node) -> Cluster:
    versions = at(node, "apiVersions")
    return Cluster(
        name=name,
        kube_version=_text(node, "kubeVersion"),
        api_versions=() if versions is None else _texts(versions),
        server=_text(node, "server"),
        labels=_map(at(node, "labels")),
        annotations=_map(at(node, "annotations")),
        facts={fact: field.value.text for fact, field in node.fields.items() if fact not in _CLUSTER_KEYS},
    )


def _pins(node: Node | None, file: str) -> dict[str, ToolPin]:
    found = {name: at(node, name) for name in TOOLS}
    return {name: ToolPin(name, pin.text, f"{file}:{pin.line}") for name, pin in found.items() if pin}


def _choice(node: Node | None, file: str) -> ClusterChoice | None:
    if node is None:
        return None
    names = _texts(node)
    return ClusterChoice(node.kind == "scalar", names, _map(node), _place(node, file))


def _options(node: Node | None, engines: Engines) -> dict[str, dict[str, object]]:
    blocks = {engine: at(node, engine) for engine in engines}
    return {engine: _block(block, engines[engine]) for engine, block in blocks.items() if block is not None}


def _block(node: Node, options: tuple[Option, ...]) -> dict[str, object]:
    found = [(option, at(node, option.name)) for option in options]
    return {option.name: _option(option, value) for option, value in found if value is not None}


def _option(option: Option, value: Node) -> object:
    kind = option.kind
    if kind == "flag":
        return value.text in TRUE
    if kind == "record":
        return _block(value, option.fields)
    if kind == "records":
        return tuple(_block(item, option.fields) for item in value.items)
    if kind == "map":
        return _map(value)
    return _texts(value) if kind == "texts" else value.text


def _output(node: Node | None) -> dict[str, object]:
    fields = node.fields if node else {}
    return {
        name: _map(field.value) if name == "apiVersions" else field.value.text in TRUE for name, field in fields.items()
    }
