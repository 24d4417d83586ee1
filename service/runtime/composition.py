"""The composition root: one configuration, one store, one renderer, put together once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from service.collect.reader_count import ReaderCount
from service.config.loading import Loaded
from service.config.schema import Settings
from service.config.shown import without_password
from service.curate import stored
from service.curate.judging import Judge
from service.curate.learned.in_use import LearnedModel
from service.curate.selection.marking import HotMarker
from service.curate.stored import Fitting
from service.errors import ConfigError, SchemaError, StoreError
from service.mail.handed_over import Memory
from service.newsletter.cut_check import CutCheck
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.runtime import pidfile
from service.runtime.check import check
from service.runtime.configuration import ConfigurationInUse, digest_of, in_use
from service.runtime.model_in_use import ModelInUse
from service.runtime.monitoring.counted import Counted
from service.runtime.monitoring.traces import Traces
from service.store.audience import subscribers
from service.store.content import entries
from service.store.core import facts, private_files
from service.store.core.database import Connection, Store, is_there, sqlite_file
from service.store.core.migrate import may_go_on, migrate
from service.store.kept.after_restore import MADE
from service.store.sources import configurations, registry
from service.store.sources import known_state as remembering
from service.store.sources.configurations import InForce
from service.store.sources.known_state import Remembered

Clock = Callable[[], datetime]
Answer = TypeVar("Answer")


def system_clock() -> datetime:
    """The time of day by this machine, aware UTC. The one place where it is read."""
    return datetime.now(UTC)


def clock_of(store: Store) -> Clock:
    """The clock that decides: the database's, which all machines share, or on SQLite ours."""
    return store.clock or system_clock


def now_of(settings: Settings) -> datetime:
    """What that clock says, where the store need not be open; ours while the database is away."""
    if sqlite_file(settings.store.url) is None:
        with suppress(StoreError), closing(Store(settings.store.url)) as store:
            store.measure_clock()
            return clock_of(store)()
    return system_clock()


@dataclass
class Service:
    """What jobs need. `loaded` and `renderer` are swapped together by a reload.

    `owner` names this start of this process in leases: a restart is another owner. `judge` puts new
    articles into stories, `marker` says which are hot, `counted` is for `/metrics`,
    `traces` tells the way of articles in the log, `readers` is what publishers are told, `cuts` who
    was given a next cut, `handed_over` what was mailed lately. `place`: of one of many, its machine
    and its name there.
    """

    loaded: Loaded
    renderer: Renderer
    store: Store
    clock: Clock
    owner: str
    judge: Judge = field(default_factory=Judge)
    marker: HotMarker = field(default_factory=HotMarker)
    counted: Counted = field(default_factory=Counted)
    traces: Traces = field(default_factory=Traces)
    readers: ReaderCount = field(default_factory=ReaderCount)
    cuts: CutCheck = field(default_factory=CutCheck)
    place: tuple[str, str] | None = None
    handed_over: Memory = field(default_factory=Memory)
    _model: ModelInUse = field(default_factory=ModelInUse)
    _using: ConfigurationInUse | None = None
    _applying: threading.Lock = field(default_factory=threading.Lock)
    _serves: bool = False
    _beside: bool = False  # a service runs beside this command

    def model(self) -> LearnedModel | None:
        """The model of learned topics as it stands now; None: no topic is learned."""
        return self._model.current(self.settings)

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def configuration(self) -> ConfigurationInUse:
        """What this process works with."""
        assert self._using is not None
        return self._using

    def take(self, loaded: Loaded, *, retire: bool, reloaded: bool = False) -> None:
        """Work with another configuration from now on; its names are registered in the store.

        With `retire`, as the service does it, it is in force from now on. One that was replaced by
        what another process of the service has is not, and changes nothing, unless it is
        `reloaded`, as a person says it.
        """
        renderer = renderer_of(loaded.settings)
        using = in_use(loaded.settings, self._model.current(loaded.settings))
        with self.store.write() as connection:
            if retire:
                registry.hold_sources(connection)
                entries.queue(connection)  # nobody admits by rules that are being replaced
            now = self.clock()
            newer = configurations.replaced_by(connection, using.hash)
            if newer is None or reloaded or not self._is_elsewhere(connection, newer, now):
                registry.register(connection, loaded.settings, now, retire=retire)
                if retire:
                    configurations.apply(connection, using.hash, using.rules, self.owner, now)
        self.loaded, self.renderer, self._using = loaded, renderer, using
        self._serves = self._serves or retire
        self._beside = bool(pidfile.all_running(loaded.settings.var))

    def _is_elsewhere(self, connection: Connection, newer: InForce, now: datetime) -> bool:
        return configurations.is_anybodys(connection, newer, now, besides=self.place)

    def rules(self) -> Mapping[str, bytes] | None:
        """Topic -> hash of its rules, which decide where they are those in force.

        None: they decide, whichever those are; so it is for a command where no service runs. A
        learned model that was replaced on this machine is applied like a reload.
        """
        with self._applying:
            using, model = self.configuration, self.model()
            if digest_of(model) != using.model:
                learned = in_use(self.settings, model)
                if self._serves:
                    self._apply(using.hash, learned)
                self._using = learned
        return self.configuration.rules if self._serves or self._beside else None

    def _apply(self, before: bytes, using: ConfigurationInUse) -> None:
        with self.store.write() as connection:
            entries.queue(connection)
            last = configurations.in_force(connection)
            if last is None or last.hash == before:
                now = self.clock()
                configurations.apply(connection, using.hash, using.rules, self.owner, now)

    def replaced_by(self) -> InForce | None:
        """The configuration in force in place of this service's own; None: it is its own."""
        if not self._serves:
            return None
        with self.store.read() as connection:
            last = configurations.in_force(connection)
        return None if last is None or last.hash == self.configuration.hash else last

    def is_relieved(self, does: Collection[str]) -> bool:
        """Whether it was replaced, and a process in one of these roles has the one in force."""
        newer = self.replaced_by()
        if newer is None:
            return False
        with self.store.read() as connection:
            return configurations.is_anybodys(connection, newer, self.clock(), roles=does)

    def close(self) -> None:
        self.store.close()

    def work_on(self) -> None:
        """From now on nobody asks where a key of the configuration stands."""
        self.loaded.places.forget()


def renderer_of(settings: Settings) -> Renderer:
    """A renderer that looks into the site's own `templates/` first, if there is one."""
    overrides = settings.root / "templates"
    return Renderer(site_view(settings), overrides if overrides.is_dir() else None)


def load(config: Path, environ: Mapping[str, str]) -> Loaded:
    """The configuration, judged by every room. Raises ConfigError with all faults."""
    checked = check(config, environ)
    if checked.loaded is None or checked.faults:
        raise ConfigError(checked.faults)
    return checked.loaded


def open_service(
    config: Path,
    environ: Mapping[str, str],
    clock: Clock | None = None,
    *,
    retire: bool = False,
    place: tuple[str, str] | None = None,
) -> Service:
    """Load, migrate, register. `retire`: what left the TOML is retired (`up` and `reload` alone).

    `clock` None: `clock_of` the store. `place`: as `Service` has it.

    Raises ConfigError, StoreError.
    """
    return open_loaded(load(config, environ), clock, retire=retire, place=place)


def open_loaded(
    loaded: Loaded,
    clock: Clock | None = None,
    *,
    retire: bool = False,
    place: tuple[str, str] | None = None,
) -> Service:
    """The same from a configuration that is loaded already. Raises StoreError.

    With `retire`, as the service runs it, this also makes private again what lies under var/.
    """
    if retire:
        private_files.close_all(loaded.settings.var)
    service = _opened(loaded, clock)
    service.place = place
    try:
        service.take(loaded, retire=retire)
    except BaseException:
        service.close()
        raise
    return service


def open_to_look(config: Path, environ: Mapping[str, str]) -> Service:
    """Opens the service for commands that only read; nothing that the store knows is registered.

    So a TOML that is being edited does not reach the running service through a look at it. Raises
    ConfigError, StoreError.
    """
    loaded = load(config, environ)
    service = _opened(loaded)
    try:
        with service.store.read() as connection:
            known = registry.knows(connection, loaded.settings)
        if not known:
            service.take(loaded, retire=False)
    except BaseException:
        service.close()
        raise
    return service


def remembered(settings: Settings) -> dict[str, Remembered]:
    """What a store that is there already knows of the sources, by id. Makes and changes nothing.

    Empty where there is none, or one of another version.
    """
    return _looked_up(settings, remembering.remembered) or {}


def titles(settings: Settings) -> dict[str, str]:
    """What the sources call themselves, by the same store."""
    return _looked_up(settings, remembering.titles) or {}


def readers(settings: Settings) -> int:
    """How many people get mail, by the same store; 0 where nobody can tell."""
    return _looked_up(settings, subscribers.readers) or 0


def fitting(settings: Settings) -> Fitting | None:
    """How many stored articles the rules match, by the same store; None where nobody can tell."""
    model = ModelInUse().current(settings)
    return _looked_up(settings, lambda one: stored.fitting(one, settings, model=model))


def open_as_it_is(settings: Settings) -> Store:
    """The store for a look that must not change it: nothing is migrated, nothing registered.

    The caller closes it. Raises StoreError: there is none yet, or one of another version.
    """
    url = settings.store.url
    if not is_there(url):
        raise StoreError(f"{without_password(url)}: nothing is stored yet; collect something first")
    store = Store(url)
    try:
        current = may_go_on(store)
    except BaseException:
        store.close()
        raise
    if not current:
        store.close()
        wrong = "its tables are those of another version; `bantin up` brings them up to date"
        raise SchemaError(f"{without_password(url)}: {wrong}")
    return store


def _looked_up(settings: Settings, question: Callable[[Connection], Answer]) -> Answer | None:
    try:
        if not is_there(settings.store.url):
            return None
        with closing(Store(settings.store.url)) as store, store.read() as connection:
            return question(connection)
    except StoreError:
        return None


def _refuse_a_backup(store: Store) -> None:
    """Put into place by hand, it would send again what has gone out since."""
    if not store.is_sqlite:
        return  # there the mark stands in the store itself while a backup is made
    with store.read() as connection:
        if facts.get(connection, MADE) is not None:
            raise StoreError(
                "this is a backup as it was made; move it away and bring it back with "
                "`bantin restore FILE`, which sees to it that no mail goes out twice"
            )


def _opened(loaded: Loaded, clock: Clock | None = None) -> Service:
    url = loaded.settings.store.url
    store = None
    private_files.close(loaded.settings.var)
    try:
        store = Store(url)
        migrate(store)
        _refuse_a_backup(store)
        return Service(
            loaded=loaded,
            renderer=renderer_of(loaded.settings),
            store=store,
            clock=clock or clock_of(store),
            owner=secrets.token_hex(8),
        )
    except BaseException as error:
        if store is not None:
            store.close()
        if isinstance(error, StoreError):
            raise type(error)(f"{without_password(url)}: {error}") from error
        raise
