"""The files in the folders of one application on one cluster: which engine they choose, and which have no use.

A YAML file that nothing uses is reported: a values file with a new name must not lose its values in silence.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import CHAINS, HELM, HELMFILE, KUSTOMIZE, HelmfileOptions, PlainOptions
from cmp.errors import ConfigError
from cmp.model import NOTHING
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.instances.central import is_for
from cmp.repository.instances.markers import has_values, matches_any, may_be_entered, may_be_object
from cmp.secrets.sops import holds_nothing
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cmp.model import ChartRef
    from cmp.repository.config import AppConfig, ValuesChart
    from cmp.repository.instances.repository import Repository, Target
    from cmp.repository.layout import Captures, Pattern
    from cmp.system.tree import Entry, Tree

YAML_SUFFIXES = (".yaml", ".yml")
OWN = layout.parse("cmp*.yaml").segments[0]  # cmp.yaml, cmp-app.yaml and later ones: no manifests


class EngineChoice(NamedTuple):
    """The engines that render an application, in the order in which they run, and the folder that they render.

    `chart_folder` is the one of the chart where helm runs: another one where a kustomization patches the chart of the
    application's other folder.  `displaced` is the application's own file of an engine (or its first manifest) that
    the files of the instance folder take the place of.  `chart_place` is the line that names a chart of another folder,
    or one of a repository (`chart`), for an application that is values alone.
    """

    folder: str
    engines: tuple[str, ...]
    chart_folder: str = ""
    displaced: str = ""
    chart_place: str = ""
    chart: ChartRef | None = None


class Selection(NamedTuple):
    """The plain manifests that are read, in order, and those that `include` and `exclude` leave out."""

    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class FileUses(NamedTuple):
    """The uses that a file in an application's folders may have.

    `files` are used for certain.  `ignored` and `values` are patterns from the root in which names that are not in
    `known` match anything; those of values find a file with one of the secret `suffixes` only if they end in it.
    `engine` are the engines' own patterns, relative to `folder`, which they render.
    """

    ignored: tuple[Pattern, ...]
    values: tuple[Pattern, ...]
    suffixes: tuple[str, ...]
    known: Captures
    files: frozenset[str] = frozenset()
    engine: tuple[Pattern, ...] = ()
    folder: str = ""

    def covers_file(self, path: str) -> bool:
        """Say whether the file has a use."""
        inner = path.removeprefix(f"{self.folder}/")
        values = [pattern for pattern in self.values if layout.may_name(pattern, path, self.suffixes)]
        return (
            path in self.files
            or any(layout.match(pattern, path, self.known) is not None for pattern in (*self.ignored, *values))
            or (inner != path and any(layout.match(pattern, inner) is not None for pattern in self.engine))
        )

    def covers_folder(self, path: str) -> bool:
        """Say whether everything below this folder is used, or ignored."""
        inner = path.removeprefix(f"{self.folder}/")
        return any(layout.covers(pattern, path, self.known) for pattern in self.ignored) or (
            inner != path and any(layout.covers(pattern, inner, NOTHING) for pattern in self.engine)
        )


class SecretLists(NamedTuple):
    """The files that `secrets` lists, by their paths: those that are decrypted, and those that stay encrypted.

    Objects of `kept_kinds` stay so, too.
    """

    files: tuple[str, ...] = ()
    kept_files: tuple[str, ...] = ()
    kept_kinds: tuple[str, ...] = ()


NO_LISTS = SecretLists()


class Files:
    """The files in the folders of an application, read with the configuration of the repository and its own."""

    def __init__(self, repository: Repository, target: Target, own: AppConfig) -> None:
        self._repository = repository
        self._engines = repository.engines
        self._tree = repository.tree
        self._target = target
        self._own = own

    def choose_engine(self, *, in_sidecar: bool = False) -> EngineChoice:
        """Choose by the files in the folders, or check the engines that the configuration asks for.

        The instance folder is rendered if it holds an engine's file, else the application's; of engines that run one
        after the other each takes the folder that way.  The files of the plain engine count only where no other engine
        has one.  ConfigError when no engine, or more than one, fits, or when the file of a wanted engine is missing.
        """
        wanted = self._own.engines
        if wanted[1:] and wanted not in CHAINS:
            chains = " or ".join(f"[{', '.join(chain)}]" for chain in CHAINS)
            raise ConfigError(
                f"the engines [{', '.join(wanted)}] cannot run one after the other",
                file=self._own.places.get("engine", ""),
                hint=f"only {chains} can",
            )
        if (chart := self._chart()) and (choice := self._choose_chart(chart, in_sidecar=in_sidecar)):
            return choice
        app_folder, instance_folder = self._target.app_folder, self._target.instance_folder
        for names in (wanted,) if wanted else self._ranks():
            of_app = self._markers_in(app_folder, names)
            of_instance = self._markers_in(instance_folder, names) if instance_folder != app_folder else {}
            if wanted[1:]:
                return self._chain(of_app, of_instance)
            folder, markers = (instance_folder, of_instance) if of_instance else (app_folder, of_app)
            if wanted:
                self._require_markers(folder, markers)
            elif len(markers) > 1:
                raise _ambiguous(folder, markers)
            if markers:
                engines = wanted or tuple(markers)
                return EngineChoice(
                    folder,
                    engines,
                    folder if HELM in engines else "",
                    "" if folder == app_folder else self._displaced(),
                )
        if self._repository.is_component(app_folder):
            raise ConfigError(
                f"{app_folder} is a component of kustomize, and nothing renders one alone",
                hint="name it under `components` of a kustomization, such as that of an application on a cluster",
            )
        known = ", ".join(f"{name} ({' or '.join(self._marks(name))})" for name in self._engines)
        raise ConfigError(
            f"the folder {app_folder} has no file of an engine",
            hint=f"the engines are {known}; where it has values alone, `chart` in its {APP_FILE} or in layout of "
            "cmp.yaml names the chart that they are for; `clusters: []` there says that it is no application",
        )

    def _chart(self) -> ValuesChart | None:
        return self._own.chart or self._repository.config.layout.chart

    def _choose_chart(self, chart: ValuesChart, *, in_sidecar: bool) -> EngineChoice | None:
        """Choose a chart that the configuration names; None where the application's own files are rendered.

        The chart of the layout is for applications without a file of an engine.  ConfigError where two are meant.
        """
        from cmp.repository.instances import values_chart  # noqa: PLC0415  # most layouts have none

        app_folder, instance_folder, wanted = self._target.app_folder, self._target.instance_folder, self._own.engines
        is_default, ranks = self._own.chart is None, self._ranks()
        folders = (app_folder, instance_folder) if instance_folder not in ("", app_folder) else (app_folder,)
        of_app, *rest = (self._markers_in(folder, ranks[0]) for folder in folders)
        of_instance = rest[0] if rest else {}
        if self._own.replace and any(self._markers_in(instance_folder, names) for names in ranks):
            return None
        is_own = HELM in {**of_app, **of_instance} if wanted[1:] else bool(of_app)
        if is_default and (is_own or self._repository.is_component(app_folder)):
            return None
        if wanted and HELM not in wanted:
            if is_default:
                return None
            raise values_chart.renders_no_chart(chart, wanted[0], self._own.file_of("engine"))
        for folder, markers in zip(folders, (of_app, of_instance), strict=False):
            for engine, name in markers.items():
                if engine not in wanted[1:]:
                    raise values_chart.two_sources(chart, join(folder, name), engine, self._target)
        if is_default and not wanted and (manifest := self._manifest(folders)):
            if has_values(self._tree, self._repository.config.layout, self._uses.known, folders):
                raise values_chart.beside_manifests(chart, manifest)
            return None
        if chart.repository:
            choice = EngineChoice("", (HELM,), chart_place=chart.place, chart=values_chart.reference(chart))
        else:
            folder = values_chart.folder_of(self._tree, chart, self._target, in_sidecar=in_sidecar)
            choice = EngineChoice(folder, (HELM,), folder, chart_place=chart.place)
        if not wanted[1:]:
            return choice
        chain = self._chain({**of_app, HELM: ""}, of_instance)
        return choice._replace(folder=chain.folder, engines=wanted, displaced=chain.displaced)

    def _manifest(self, folders: Iterable[str]) -> str:
        """Return the first manifest in some folders that may be an object."""
        paths = (path for folder in folders for path in self._manifests(folder))
        return next((path for path in paths if may_be_object(self._tree.read(path))), "")

    def _ranks(self) -> tuple[tuple[str, ...], ...]:
        fallbacks = tuple(name for name, traits in self._engines.items() if traits.is_fallback)
        return tuple(name for name in self._engines if name not in fallbacks), fallbacks

    def _chain(self, of_app: Mapping[str, str], of_instance: Mapping[str, str]) -> EngineChoice:
        """Choose the folder of each engine that is wanted, by the files that the two folders have for them."""
        app_folder, instance_folder, wanted = self._target.app_folder, self._target.instance_folder, self._own.engines
        for name in wanted:
            if name not in of_app and name not in of_instance:
                raise self._missing(name, [folder for folder in (app_folder, instance_folder) if folder])
        folders = {name: instance_folder if name in of_instance else app_folder for name in wanted}
        if app_folder not in folders.values():
            displaced = self._displaced()
        else:
            overlaid = (name for name in wanted if name in of_app and folders[name] != app_folder)
            displaced = "" if self._own.replace else next((join(app_folder, of_app[name]) for name in overlaid), "")
        return EngineChoice(folders[wanted[-1]], wanted, folders[wanted[0]], displaced)

    def _displaced(self) -> str:
        """Return the file of the application's folder that would choose an engine there; empty where that is meant."""
        folder = self._target.app_folder
        if self._own.replace or self._repository.is_component(folder):
            return ""
        names, _ = self._ranks()
        wanted = tuple(name for name in self._own.engines if name in names)
        if markers := self._markers_in(folder, wanted) or self._markers_in(folder, names):
            return join(folder, next(iter(markers.values())))
        return self._manifest((folder,))

    def _markers_in(self, folder: str, engines: tuple[str, ...]) -> dict[str, str]:
        """Return the first file in a folder that stands for each engine; none for the empty path."""
        markers: dict[str, str] = {}
        for engine in engines if folder else ():
            is_fallback = self._engines[engine].is_fallback
            if (engine == KUSTOMIZE or is_fallback) and self._repository.is_component(folder):
                continue
            names = (entry.name for entry in self._tree.entries(folder))
            marking = (name for name in names if matches_any(self._marks(engine), name))
            if name := next(self._manifests(folder) if is_fallback else marking, ""):
                markers[engine] = name
        return markers

    def _marks(self, engine: str) -> tuple[str, ...]:
        """Return the patterns of the file names that choose an engine: its own, or the name that an option gives."""
        text = HelmfileOptions(self._own.options).file if engine == HELMFILE else ""
        if not text:
            return self._engines[engine].markers
        pattern = layout.parse(text, "helmfile.file")
        layout.require(pattern, self._target.known, self._target.whose)
        return (layout.fill(pattern, self._target.known),)

    def _require_markers(self, folder: str, markers: Mapping[str, str]) -> None:
        for name in self._own.engines:
            patterns = self._marks(name)
            if patterns and name not in markers:
                raise self._missing(name, [folder])

    def _missing(self, engine: str, folders: list[str]) -> ConfigError:
        where = f"the folder {folders[0]} has" if len(folders) == 1 else f"neither {' nor '.join(folders)} has"
        files = " or ".join(self._marks(engine))
        return ConfigError(
            f"{self._own.file_of('engine')} asks for the engine {engine}, but {where} "
            f"{f'no {files}' if len(folders) == 1 else files}",
            file=self._own.places.get("engine", ""),
            hint="add the file, or correct `engine`"
            + ("" if len(folders) == 1 else f"; where some clusters alone have it, say `engine` in their {APP_FILE}"),
        )

    def select(self, choice: EngineChoice) -> Selection:
        """Return the manifests that the plain engine reads; nothing for any other engine.

        `include` and `exclude` are patterns from the folder, and may use the cluster's facts.  ConfigError for a text
        that is no pattern, and for one that names a single file which is not there.
        """
        if not self._is_plain(choice):
            return Selection()
        manifests = [*self._manifests(choice.folder)]
        options = self._plain_options
        included = self._matched("include", options.include, manifests, choice.folder)
        excluded = self._matched("exclude", options.exclude, manifests, choice.folder)
        is_limited = bool(options.include)
        files = tuple(path for path in manifests if (path in included or not is_limited) and path not in excluded)
        return Selection(files, tuple(path for path in manifests if path not in files))

    def _matched(self, key: str, texts: tuple[str, ...], manifests: list[str], folder: str) -> set[str]:
        """Return the manifests that the patterns of one option match."""
        matched: set[str] = set()
        for text in texts:
            pattern = layout.parse(text, f"plain.{key}")
            layout.require(pattern, self._target.known, self._target.whose)
            paths = {path for path in manifests if self._matches(pattern, path.removeprefix(f"{folder}/"))}
            if not (paths or pattern.has_wildcard):
                name = layout.fill(pattern, self._target.known)
                is_deep = self._plain_options.recurse
                deeper = "" if is_deep else "; files of folders below it are read with `recurse: true`"
                raise ConfigError(
                    f"plain.{key} names {layout.shown(name)}, but there is no manifest "
                    f"{layout.shown(join(folder, name))}",
                    hint=f"its paths start in the folder that is rendered, {folder}{deeper}",
                )
            matched |= paths
        return matched

    def _matches(self, pattern: Pattern, path: str) -> bool:
        return layout.match(pattern, path, self._target.known) is not None

    def _manifests(self, folder: str) -> Iterator[str]:
        """Yield the paths of the plain manifests in a folder, in the order of the names in each; none for no folder.

        A plain manifest is a file whose name matches the plain engine's markers and that is neither a values file nor
        ignored.  With the option `recurse` the folders below count, but for hidden ones, links to folders and those of
        another application or instance.
        """
        markers = next(traits for traits in self._engines.values() if traits.is_fallback).markers
        for entry in self._tree.entries(folder) if folder else ():
            path = join(folder, entry.name)
            if self._is_manifest(entry, path, markers):
                yield path
            elif self._plain_options.recurse and may_be_entered(entry) and not self._is_other(path):
                yield from self._manifests(path)

    def _is_manifest(self, entry: Entry, path: str, markers: tuple[str, ...]) -> bool:
        return (
            entry.kind != "folder"
            and matches_any(markers, entry.name)
            and layout.match_name(OWN, entry.name, {}) is None
            and not self._uses.covers_file(path)
            and not self._repository.places.is_instance_file(path)
        )

    def notes(self, choice: EngineChoice, used: frozenset[str]) -> Iterator[str]:
        """Yield a note for each file of the application's folder that has no use.

        ConfigError for files of the instance's folder that have no use.
        """
        uses = self._uses._replace(files=used)
        app_folder, instance_folder = self._target.app_folder, self._target.instance_folder
        is_values_alone = choice.chart_place and not choice.engines[1:]
        if instance_folder:
            folder = instance_folder if instance_folder == choice.chart_folder else choice.folder
            exact = uses._replace(
                values=(), known=self._target.known, folder=folder, engine=self._claims(choice, folder)
            )
            unused = [*_unused(self._tree, instance_folder, exact, self._is_other)]
            if unused:
                raise _lost(unused, self._advice(choice, unused[0]))
        if self._is_lost(self._target.instance_file, used):
            yield (
                f"{layout.shown(self._target.instance_file)} says that the application runs here, and its content is "
                "lost: no pattern of layout.values matches it"
            )
        is_elsewhere = app_folder not in (choice.folder, choice.chart_folder)
        if is_elsewhere and (self._own.replace or self._is_plain(choice)):
            return
        folder = app_folder if app_folder == choice.chart_folder else choice.folder
        claims = () if is_values_alone else self._claims(choice, folder)
        uses = uses._replace(folder=app_folder, engine=claims)
        for path in _unused(self._tree, app_folder, uses, self._is_other):
            if self._repository.places.is_instance_file(path):
                continue
            advice = self._advice(choice, path) or "no pattern of values files or of layout.ignore matches it"
            yield f"nothing uses the file {layout.shown(path)} here: {advice}"

    def _is_lost(self, file: str, used: frozenset[str]) -> bool:
        """Say whether the file of an instance has a content that no layer takes."""
        return bool(file) and file not in used and not holds_nothing(self._tree.read(file))

    def _claims(self, choice: EngineChoice, folder: str) -> tuple[Pattern, ...]:
        """Return the patterns of the files that belong to the engines whose files lie in one of the folders."""
        engines: Iterable[str] = choice.engines
        if choice.chart_folder and choice.chart_folder != choice.folder:
            engines = self._markers_in(folder, choice.engines)
        return tuple(layout.parse(text) for name in engines for text in self._engines[name].claims)

    def _advice(self, choice: EngineChoice, path: str) -> str:
        """Explain why a file is no plain manifest; empty where the plain engine does not look for manifests."""
        if not self._is_plain(choice) or not path.startswith(f"{choice.folder}/"):
            return ""
        if layout.match_name(OWN, path.rpartition("/")[2], {}) is not None:
            return "names that begin with cmp are kept for files of cmp"
        return "`plain: {recurse: true}` in cmp-app.yaml reads the folders below"

    def _is_plain(self, choice: EngineChoice) -> bool:
        return self._engines[choice.engines[-1]].is_fallback

    @property
    def _plain_options(self) -> PlainOptions:
        return PlainOptions(self._own.options)

    def _is_other(self, folder: str) -> bool:
        return bool(self._repository.owner(folder, is_exact=True).app)

    @cached_property
    def _uses(self) -> FileUses:
        """The uses of files by configuration alone: a layer of another cluster has one, and an ignored file too.

        Names that only a fact of the cluster fills match anything.
        """
        config = self._repository.config
        central = (entry.settings.values for entry in config.applications if is_for(entry, self._target.app))
        values = (*config.layout.values, *self._own.values, *(values for of_entry in central for values in of_entry))
        return FileUses(
            ignored=tuple(layout.parse(text) for text in (*config.layout.ignore, *config.layout.shared)),
            values=tuple(layout.parse(pattern.pattern) for pattern in values),
            suffixes=config.secret_suffixes,
            known={name: text for name, text in self._target.known.items() if name in ("app", "name")},
        )


def _unused(tree: Tree, folder: str, uses: FileUses, is_other: Callable[[str], bool]) -> Iterator[str]:
    """Yield the YAML files below a folder that have no use, sorted.

    Hidden files and folders are left out, links to folders, and folders of which `is_other` says that they belong to
    another application or instance.
    """
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.name.startswith(".") or entry.name == APP_FILE:
            continue
        if entry.kind == "folder":
            if not (entry.is_link or uses.covers_folder(path) or is_other(path)):
                yield from _unused(tree, path, uses, is_other)
        elif entry.name.endswith(YAML_SUFFIXES) and not uses.covers_file(path):
            yield path


def _ambiguous(folder: str, markers: Mapping[str, str]) -> ConfigError:
    files = " and ".join(f"{file} ({engine})" for engine, file in markers.items())
    chains = [f"`engine: [{', '.join(chain)}]`" for chain in CHAINS if {*chain} <= markers.keys()]
    ways = [*(f"`engine: {name}`" for name in markers), *chains]
    return ConfigError(
        f"more than one engine fits the folder {folder}: {files}",
        hint=f"say which in {folder}/{APP_FILE}: {' or '.join(ways)}",
    )


def _lost(paths: list[str], advice: str) -> ConfigError:
    usual = "rename it so that a pattern of layout.values matches it, or name it in layout.ignore of cmp.yaml"
    return ConfigError(f"nothing uses the {_listed(paths, 'file')}", hint="; ".join(filter(None, (advice, usual))))


def _listed(paths: list[str], noun: str) -> str:
    return f"{noun}{'s' if len(paths) > 1 else ''} {', '.join(layout.shown(path) for path in paths)}"
