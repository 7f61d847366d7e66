"""Requests resolved into Instances, step by step: folders, engine, values layers, names, versions, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.argocd import expansion, parameters
from cmp.engines.registry import HELMFILE, KUSTOMIZE
from cmp.errors import CmpError, ConfigError
from cmp.model import NOTHING, Instance, Layer, OutputRules, Requester, ToolPin
from cmp.repository import layout
from cmp.repository.config import APP_FILE, FILE, ValuesPattern
from cmp.repository.instances.files import NO_LISTS, Files
from cmp.repository.instances.repository import Repository
from cmp.repository.instances.request import with_names
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.argocd.expansion import Expansion
    from cmp.model import EngineTraits, Parameters
    from cmp.repository.instances.files import EngineChoice, SecretLists
    from cmp.repository.instances.request import Request
    from cmp.system.tree import Tree

ARGOCD_NAME = "ARGOCD_APP_NAME"
ARGOCD_NAMESPACE = "ARGOCD_APP_NAMESPACE"
OWN_NAME = "the application's name"
MAX_RELEASE = 53  # Helm's own limit: room for what charts append within the 63 characters of a label
MAX_LABEL = 63  # RFC 1123
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class SourcedName(NamedTuple):
    """A name, and the setting that it comes from, for messages."""

    name: str
    source: str


class _ValuesFile(NamedTuple):
    path: str
    is_named: bool  # by a path without a wildcard
    source: str


def resolve(tree: Tree, request: Request, engines: Mapping[str, EngineTraits]) -> Instance:
    """Resolve a request in a tree whose configuration is not read yet."""
    return resolve_in(Repository(tree, engines), request)


def resolve_in(repository: Repository, request: Request) -> Instance:
    """Resolve a request: a pure function of the repository and the request.

    Values files are found but not read.  ConfigError, which names application and cluster, when anything is missing,
    contradicts itself or may not be used; UsageError when no application is named.
    """
    request = with_names(repository, request)
    try:
        return _Resolver(repository, request).instance()
    except CmpError as error:
        raise error.locate(application=layout.shown(request.app), cluster=layout.shown(request.cluster)) from None


class _Resolver:
    """A request with the folders that it leads to, and the merged configuration of its application (`settings`)."""

    def __init__(self, repository: Repository, request: Request) -> None:
        self._repository = repository
        self._tree = repository.tree
        self._config = repository.config
        self._request = request
        self._target = repository.locate(request.app, request.cluster, request.folder)
        target = self._target
        self._instance_config = repository.app_config(target.instance_folder)
        self._settings = repository.settings(target.app, target.cluster, target.app_folder, target.instance_folder)

    def instance(self) -> Instance:
        """Return the Instance; ConfigError as `resolve_in`."""
        request, target, settings = self._request, self._target, self._settings
        files = Files(self._repository, target, settings)
        choice = files.choose_engine(in_sidecar=request.in_sidecar)
        if self._instance_config.replace and choice.folder != target.instance_folder:
            raise ConfigError(
                f"`replace: true` says that {target.instance_folder} is rendered in place of {target.app_folder}, but "
                "it has no file of an engine",
                file=join(target.instance_folder, APP_FILE),
                hint="add the file, or remove `replace`",
            )
        self._require_fitting(choice)
        layers = self._layers()
        selection = files.select(choice)
        secrets = self._secrets(choice)
        release, namespace = self._release(), self._namespace()
        names = self._used_names(choice)
        if "release" in names:
            _require_release(release)
        if "namespace" in names:
            _require_namespace(namespace)
        placeholders = {**target.known, "release": release.name, "namespace": namespace.name}
        expanded = self._parameters(placeholders)
        options = settings.options.get(choice.engines[0], {})
        used = frozenset({*(layer.path for layer in layers), *secrets.files, *selection.files, *selection.left_out})
        takes_values = any(self._repository.engines[name].reads_values for name in choice.engines)
        return Instance(
            app=target.app,
            cluster=target.cluster.name,
            folder=choice.folder,
            app_folder=target.app_folder,
            instance_folder=target.instance_folder,
            instance_file=target.instance_file,
            engines=choice.engines,
            layers=layers if takes_values else (),
            unread_layers=() if takes_values else self._unread(layers, choice),
            displaced=choice.displaced,
            chart_folder=choice.chart_folder,
            chart_place=choice.chart_place,
            chart=choice.chart,
            pins={**settings.tools, **_pins(request.parameters, "parameter "), **_pins(request.flags, "--")},
            release=release.name,
            namespace=namespace.name,
            kube_version=self._kube_version(options),
            api_versions=self._api_versions(options),
            parameters=expanded.parameters,
            options=settings.options,
            output_rules=_output(settings.output),
            secret_files=secrets.files,
            warnings=(
                *files.notes(choice, used),
                *self._name_notes(names, release, namespace),
                *self._version_notes(),
                *expanded.warnings,
            ),
            requester=Requester(request.build_env.project, request.build_env.app_namespace, request.in_sidecar),
            placeholders=placeholders,
            secret_suffixes=self._config.secret_suffixes,
            kept_files=secrets.kept_files,
            kept_kinds=secrets.kept_kinds,
            manifest_files=selection.files,
            build_env=request.build_env,
        )

    def _require_fitting(self, choice: EngineChoice) -> None:
        """ConfigError for a parameter that the engine does not know: nothing is lost in silence."""
        given = self._request.parameters
        renderer = " and ".join(choice.engines)
        for name, value, engine, instead in (
            ("images", given.images, KUSTOMIZE, ", or set the chart's own value by `set`"),
            ("environment", given.environment, HELMFILE, ""),
        ):
            if value and engine not in choice.engines:
                raise ConfigError(
                    f"the parameter {name} is for {engine}, and {renderer} renders this application",
                    hint=f"remove it from the Application{instead}",
                )

    def _layers(self) -> tuple[Layer, ...]:
        """Return the values layers, weakest first, each file once.

        The patterns of cmp.yaml may name any file of the tree; those of cmp-app.yaml, the parameters and the command
        line may name files in the application's own folders, and files that cmp.yaml names or shares.  A file
        keeps the position of the path that names it literally, or else that of the first pattern that matches it
        (Argo CD's rule for `valueFiles`).  ConfigError for a literal path that is missing, for a path that is no file,
        and for a file that the application may not use.
        """
        given = [ValuesPattern(text, place="parameter values") for text in self._request.parameters.values_files]
        given += [ValuesPattern(text, place="--values") for text in self._request.flags.values_files]
        files = [file for pattern in self._config.layout.values for file in self._values_files(pattern)]
        own = [pattern for pattern in self._settings.values if not pattern.place.startswith(f"{FILE}:")]
        central = [pattern for pattern in self._settings.values if pattern not in own]  # they are the weaker ones
        files += [file for pattern in central for file in self._values_files(pattern)]
        of_repository = {file.path for file in files}
        for pattern in (*own, *given):
            for file in self._values_files(pattern):
                if file.path not in of_repository:
                    self._require_usable(file, of_repository)
                files.append(file)
        named = {file.path for file in files if file.is_named}
        first: dict[str, _ValuesFile] = {}
        for file in files:
            if file.is_named or file.path not in named:
                first.setdefault(file.path, file)
        suffixes = self._config.secret_suffixes
        return tuple(Layer(file.path, file.path.endswith(suffixes), file.source) for file in first.values())

    def _values_files(self, values: ValuesPattern) -> Iterator[_ValuesFile]:
        target, suffixes = self._target, self._config.secret_suffixes
        pattern = layout.parse(values.pattern, values.place)
        layout.require(pattern, target.known, target.whose)
        matches = [
            match
            for match in layout.expand(self._tree, pattern, target.known)
            if layout.may_name(pattern, match.path, suffixes)
        ]
        is_named = not pattern.has_wildcard
        if is_named and not matches and not values.optional:
            raise ConfigError(
                f"the values file {layout.fill(pattern, target.known)} does not exist",
                file=values.place,
                hint=f"if it may be missing, write {{path: '{values.pattern}', optional: true}}"
                if ":" in values.place  # a file's line; a parameter or flag has no such form
                else "values files are named from the root of the repository",
            )
        for match in matches:
            if match.kind == "file":
                yield _ValuesFile(match.path, is_named, values.place)
            elif is_named or match.kind != "folder":
                what = "a folder" if match.kind == "folder" else "neither a file nor a link to one"
                raise ConfigError(
                    f"the values file {match.path} is {what}", file=values.place, hint="mend or remove it"
                )

    def _require_usable(self, file: _ValuesFile, of_repository: set[str]) -> None:
        """Check the path, and where links lead from it: a link is no way into another application's folder."""
        folders = [folder for folder in (self._target.app_folder, self._target.instance_folder) if folder]
        own = tuple(f"{path}/" for folder in folders for path in (folder, self._tree.resolve(folder)))
        for path in (file.path, self._tree.resolve(file.path)):
            if not (path.startswith(own) or path in of_repository or self._is_shared(path)):
                leads = "" if path == file.path else f" leads to {path}, which"
                raise ConfigError(
                    f"the values file {file.path}{leads} is not in the application's own folders",
                    file=file.source,
                    hint=f"those are {' and '.join(folders)}; any other file must be named in cmp.yaml: layout.shared "
                    "lets applications name it, layout.values gives it to all of them",
                )

    def _is_shared(self, path: str) -> bool:
        """Say whether cmp.yaml lets this pair name a file outside of its folders.

        A pattern's names are those of the pair: `{cluster}` shares no file of another cluster, and a pattern with a
        name that is unknown here shares none.
        """
        known, suffixes = self._target.known, self._config.secret_suffixes
        patterns = (layout.parse(text, "layout.shared") for text in self._config.layout.shared)
        return any(
            pattern.names <= known.keys()
            and layout.may_name(pattern, path, suffixes)
            and layout.match(pattern, path, known) is not None
            for pattern in patterns
        )

    def _secrets(self, choice: EngineChoice) -> SecretLists:
        """Return the files and kinds that `secrets` lists; ConfigError as `secret_lists.read`."""
        if not (self._settings.secret_files or self._settings.kept_secrets or self._config.kept_secrets):
            return NO_LISTS
        from cmp.repository.instances import secret_lists  # noqa: PLC0415  # few applications have any

        return secret_lists.read(self._repository, self._target, choice, settings=self._settings)

    def _unread(self, layers: tuple[Layer, ...], choice: EngineChoice) -> tuple[str, ...]:
        """Return the values files that an engine without values does not get; those of a replaced folder are meant."""
        replaced = f"{self._target.app_folder}/" if self._settings.replace else ""
        is_replaced = replaced and choice.folder != self._target.app_folder
        return tuple(layer.path for layer in layers if not (is_replaced and layer.path.startswith(replaced)))

    def _release(self) -> SourcedName:
        """Choose the release name."""
        # Argo CD names an Application of another namespace `<namespace>_<name>`; its built-in Helm takes the name.
        argocd_name = self._request.build_env.app_name.rpartition("_")[2]
        return self._first(
            SourcedName(self._request.flags.release, "--release"),
            SourcedName(self._request.parameters.release, "the parameter release"),
            SourcedName(self._settings.release, self._settings.places.get("release", APP_FILE)),
            SourcedName(self._config.layout.release, "layout.release"),
            SourcedName(argocd_name, ARGOCD_NAME),
        )

    def _namespace(self) -> SourcedName:
        """Choose the namespace."""
        return self._first(
            SourcedName(self._request.flags.namespace, "--namespace"),
            SourcedName(self._settings.namespace, self._settings.places.get("namespace", APP_FILE)),
            SourcedName(self._config.layout.namespace, "layout.namespace"),
            SourcedName(self._request.build_env.app_namespace, ARGOCD_NAMESPACE),
        )

    def _used_names(self, choice: EngineChoice) -> frozenset[str]:
        """Return which of release and namespace reach a program, or a text of options or parameters that they fill.

        The others are not checked: an application in the folder `00_crds` that has no release needs no name for one.
        """
        passed = {name for engine in choice.engines for name in self._repository.engines[engine].names}
        templates = (self._request.parameters.set_templates, self._request.flags.set_templates)
        texts = repr((self._settings.options, templates))
        return frozenset(passed | {name for name in ("release", "namespace") if f"{{{name}}}" in texts})

    def _first(self, *candidates: SourcedName) -> SourcedName:
        """Return the first candidate that is not empty, else the application's name, its placeholders filled."""
        app = SourcedName(self._target.app, OWN_NAME)
        text, source = next((candidate for candidate in candidates if candidate.name), app)
        pattern = layout.parse_text(text, source)
        layout.require(pattern, self._target.known, self._target.whose)
        return SourcedName(layout.fill(pattern, self._target.known), source)

    def _kube_version(self, options: Mapping[str, object]) -> str:
        """Return the Kubernetes version that charts see: from the flag, cmp-app.yaml, Argo CD or the inventory."""
        build_env, cluster = self._request.build_env, self._target.cluster
        given = self._request.flags.kube_version or options.get("kubeVersion")
        return cast("str", given or build_env.kube_version or cluster.kube_version)

    def _api_versions(self, options: Mapping[str, object]) -> tuple[str, ...]:
        """Return the API versions that charts see, from the same sources."""
        build_env, cluster = self._request.build_env, self._target.cluster
        given = self._request.flags.api_versions or options.get("apiVersions")
        return cast("tuple[str, ...]", given or build_env.api_versions or cluster.api_versions)

    def _parameters(self, known: Mapping[str, str]) -> Expansion:
        """Return the parameters with the command line's over them, and their texts expanded."""
        facts = {name for cluster in self._config.clusters.values() for name in cluster.facts}
        return expansion.expand(
            parameters.merge(self._request.parameters, self._request.flags),
            expansion.Placeholders(known, facts | {"cluster"}, self._target.whose),
            self._request.build_env,
            is_set_literal=self._config.is_set_literal,
        )

    def _name_notes(self, names: frozenset[str], release: SourcedName, namespace: SourcedName) -> list[str]:
        """Warn where a render outside Argo CD would use another name, and say how to fix that."""
        app = self._target.app
        return [
            f"the {kind} `{chosen.name}` is {chosen.source}, which a checkout does not know: `cmp render` without "
            f"--application uses `{app}`; fix it by layout.{kind} in cmp.yaml or by the {way}"
            for kind, chosen, way in (
                ("release", release, "parameter release"),
                ("namespace", namespace, "key namespace of cmp-app.yaml"),
            )
            if kind in names and chosen.source in (ARGOCD_NAME, ARGOCD_NAMESPACE) and chosen.name != app
        ]

    def _version_notes(self) -> Iterator[str]:
        """Warn where the inventory and Argo CD disagree about the cluster."""
        build_env, cluster = self._request.build_env, self._target.cluster
        declared, actual = cluster.kube_version, build_env.kube_version
        if declared and actual and not _is_same_version(declared, actual):
            yield f"the inventory says Kubernetes {declared} for cluster {cluster.name}, Argo CD says {actual}"
        gone = [version for version in cluster.api_versions if version not in build_env.api_versions]
        if gone and build_env.api_versions:
            yield (
                f"the inventory lists API versions for cluster {cluster.name} that Argo CD does not see: "
                f"{', '.join(gone)}"
            )


def _require_release(release: SourcedName) -> None:
    """ConfigError for a release name that Helm refuses."""
    if len(release.name) > MAX_RELEASE or not all(_is_label(part) for part in release.name.split(".")):
        raise ConfigError(
            f"`{layout.shown(release.name)}` is no release name: Helm takes up to {MAX_RELEASE} lower-case "
            "letters, digits, `-` and `.`, with a letter or digit at both ends",
            hint=f"it comes from {release.source}; set layout.release in cmp.yaml or release in cmp-app.yaml"
            + ("; `clusters: []` there says that it is no application" if release.source == OWN_NAME else ""),
        )


def _require_namespace(namespace: SourcedName) -> None:
    """ConfigError for a namespace that Kubernetes refuses."""
    if len(namespace.name) > MAX_LABEL or not _is_label(namespace.name):
        raise ConfigError(
            f"`{layout.shown(namespace.name)}` is no namespace: Kubernetes takes up to {MAX_LABEL} lower-case "
            "letters, digits and `-`, with a letter or digit at both ends",
            hint=f"it comes from {namespace.source}; set layout.namespace in cmp.yaml or namespace in cmp-app.yaml",
        )


def _is_label(text: str) -> bool:
    return bool(text) and LETTERS.issuperset(text) and text[0] != "-" and text[-1] != "-"


def _is_same_version(declared: str, actual: str) -> bool:
    """Compare as many numbers as both have: 1.33 and v1.33.4 agree."""
    numbers = zip(declared.removeprefix("v").split("."), actual.removeprefix("v").split("."), strict=False)
    return all(left == right for left, right in numbers)


def _pins(given: Parameters, prefix: str) -> dict[str, ToolPin]:
    return {tool: ToolPin(tool, version, f"{prefix}{tool}-version") for tool, version in given.tool_versions.items()}


def _output(keys: Mapping[str, object]) -> OutputRules:
    return OutputRules(
        allow_empty=bool(keys.get("allowEmpty")),
        allow_duplicate_keys=bool(keys.get("allowDuplicateKeys")),
        allow_duplicate_objects=bool(keys.get("allowDuplicateObjects")),
        allow_ciphertext=bool(keys.get("allowCiphertext")),
        api_versions=cast("Mapping[str, str]", keys.get("apiVersions", NOTHING)),
    )
