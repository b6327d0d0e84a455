{% set metrics = metrics | rejectattr("profile") | rejectattr("keeps") | rejectattr("whole") | list %}
{% set labelled = metrics | selectattr("written") | list %}
# The metrics of << platform.name | comment >>. Rendered from services.toml: edit that, then render again.
"""The MetricsCollector that every service shares: it emits what the catalog declares, under the names it declares.

    from monitoring.metrics import MetricsCollector

    metrics_collector = MetricsCollector(service="NAME")  # or SERVICE_NAME=NAME in the environment
    metrics_collector.instrument(app)  # /metrics, /health, and every request counted

Each declared metric is an attribute, named after its key in the catalog. `increment_request` and `increment_error` count
by hand; a handler that does so is not counted a second time by the middleware of `instrument`.

Which metrics exist. A collector with a service name registers everything that the catalog says this service emits, at
once and at zero, so that the first error is an increase. Without a name it registers what every service emits, and the
rest at first use: name the service, or an alert on a counter that nothing has touched yet has no series to read.

Several collectors. All collectors of a process that use one registry (the default: prometheus_client.REGISTRY) count into
the same metrics: make one per module if you like. Importing this module registers nothing.

Wrong label values. A value outside the contract is never written: it is replaced by the nearest value inside (a status
that is none counts as 500, an unknown method as OTHER or GET), or the sample is left out, and the log says so once.
Counting never raises into the service.

Several workers (`uvicorn --workers 4`). Without PROMETHEUS_MULTIPROC_DIR each worker answers /metrics for itself, and
counters jump back and forth. Set it, before Python starts, to a directory that is emptied at each start of the service.
What that loses: every process_* metric (CPU, memory, open files; also process_cpu_user_seconds_total), python_info and
python_gc_*, so alerts on CPU and memory have nothing to read; a gauge is the sum over the living workers.
"""

from __future__ import annotations

import glob
import json
import logging
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol, TypeVar, Union

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

{% set summaries = metrics | selectattr("type", "equalto", "summary") | list %}
{% if summaries %}
__all__ = ["CONTRACT", "SERVICES", "Counter", "Family", "Gauge", "Histogram", "Label", "MetricsCollector", "Service", "Summary"]
{% else %}
__all__ = ["CONTRACT", "SERVICES", "Counter", "Family", "Gauge", "Histogram", "Label", "MetricsCollector", "Service"]
{% endif %}


@dataclass(frozen=True)
class Label:
    """A label of a metric: the values that it may have, or the pattern that they match as a whole."""

    name: str
    values: Sequence[str] = ()
    pattern: str = ""

    def admits(self, value: str) -> bool:
        """Whether the contract knows this value."""
        return value in self.values if self.values else PATTERNS[self.pattern].matches(value)


class Automaton:
    """A pattern in RE2's syntax, worked out when this file was rendered; it reads each character of a value once.

    Python's re is not asked: it reads another syntax, and may try for hours what RE2 decides at once. Place 0 is where a
    value begins, and each other place is a character of the pattern. A character's kind says which places read it.
    """

    def __init__(
        self,
        bounds: Sequence[int],
        kinds: Sequence[int],
        reads: Sequence[Sequence[int]],
        follow: Sequence[Sequence[int]],
        ends: Sequence[int],
    ) -> None:
        """bounds: the code points at which the kind changes; reads: by kind; follow: the next places, by place."""
        self._bounds = bounds
        self._kinds = kinds
        self._reads = [frozenset(places) for places in reads]
        self._follow = [frozenset(places) for places in follow]
        self._ends = frozenset(ends)
        self._steps: dict[tuple[frozenset[int], int], frozenset[int]] = {}

    def matches(self, value: str) -> bool:
        """Whether the pattern matches the value as a whole."""
        places = frozenset([0])
        for character in value:
            kind = self._kinds[bisect_right(self._bounds, ord(character))]
            step = self._steps.get((places, kind))
            if step is None:
                step = self._step(places, kind)
                if len(self._steps) < MOST_STEPS:
                    self._steps[places, kind] = step
            if not step:
                return False
            places = step
        return not places.isdisjoint(self._ends)

    def _step(self, places: frozenset[int], kind: int) -> frozenset[int]:
        reads = self._reads[kind]
        return frozenset(following for place in places for following in self._follow[place] if following in reads)


@dataclass(frozen=True)
class Family:
    """A metric as the catalog declares it."""

    key: str
    name: str
    kind: str
    help: str
    labels: Sequence[Label] = ()
    services: Sequence[str] = ()
    """Who emits it; none: every service."""
    buckets: Sequence[float] = ()
    """Upper bounds of a histogram; none: those of prometheus_client."""


@dataclass(frozen=True)
class Service:
    """Where a service answers."""

    metrics_path: str
    health_path: str


SERVICES: Mapping[str, Service] = {
{% for service in services %}
    << service.name >>: Service(<< service.metrics_path >>, << service.health_path >>),
{% endfor %}
}
"""Every service of the catalog."""

CONTRACT: Sequence[Family] = [
{% for metric in metrics %}
    Family(
        key=<< metric.key >>,
        name=<< metric.name >>,
        kind=<< metric.type >>,
        help=<< metric.help >>,
{% if metric.written %}
        labels=[
{% for label, values in metric.written | items %}
{% if values is string %}
            Label(<< label >>, pattern=<< values >>),
{% else %}
            Label(<< label >>, values=<< values >>),
{% endif %}
{% endfor %}
        ],
{% endif %}
{% if metric.services | length < services | length %}
        services=<< metric.services >>,
{% endif %}
{% if metric.buckets %}
        buckets=<< metric.buckets >>,
{% endif %}
    ),
{% endfor %}
]
"""Every metric of the catalog, in its order."""

PATTERNS: Mapping[str, Automaton] = {
{% for automaton in metrics | automata %}
    << automaton.pattern >>: Automaton(
        bounds=<< automaton.bounds >>,
        kinds=<< automaton.kinds >>,
        reads=<< automaton.reads >>,
        follow=<< automaton.follow >>,
        ends=<< automaton.ends >>,
    ),
{% endfor %}
}
"""Every pattern of the contract."""

UNMATCHED = "unmatched"
"""The endpoint of every request that no route answers: one value, however many addresses a scanner tries."""

MOST_LABEL_SETS = 1000
"""So many are initialised at most, for a metric whose labels multiply."""

MOST_STEPS = 10_000
"""So many steps of a pattern are remembered at most."""

_METHODS = {method: method for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")} | {"HEAD": "GET"}
_INSTEAD = {"method": ("OTHER", "GET"), "status": ("500",)}
_SHARED = "_families_of_the_catalog"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
{% if summaries %}
Child = Union[prometheus_client.Counter, prometheus_client.Gauge, prometheus_client.Histogram, prometheus_client.Summary]
{% else %}
Child = Union[prometheus_client.Counter, prometheus_client.Gauge, prometheus_client.Histogram]
{% endif %}

_log = logging.getLogger(__name__)


class _Families:
    """The metrics of one registry, whoever counts into them."""

    def __init__(self) -> None:
        self.contract = {family.key: family for family in CONTRACT}
        self._lock = threading.RLock()
        self._metrics: dict[str, Child] = {}
        self._children: dict[tuple[str, tuple[str, ...]], Child] = {}
        self._services: set[str] = set()
        self._said: set[tuple[str, ...]] = set()

    def describe(self) -> Iterable[Metric]:
        """The names that nobody else may register."""
        return [Metric(family.name, family.help, family.kind) for family in CONTRACT]

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client exposes: the contract's own samples, and the CPU time split as the documents have it."""
        for family in CONTRACT:
            metric = self._metrics.get(family.key)
            created = family.name.removesuffix("_total") + "_created"
            for exposed in metric.collect() if metric is not None else ():
                if family.kind != "gauge":  # *_created is in no contract
                    exposed.samples = [sample for sample in exposed.samples if sample.name != created]
                yield exposed
        times = os.times()
        yield CounterMetricFamily("process_cpu_user_seconds", "CPU seconds in user mode", value=times.user)
        yield CounterMetricFamily("process_cpu_system_seconds", "CPU seconds in system mode", value=times.system)

    def declare(self, service: str | None) -> None:
        """Registers what the service emits; without a name, what every service does."""
        if service is not None and service not in SERVICES:
            message = "%r is not a service of the catalog: metrics of single services appear at first use"
            self.say_once(("service", service), message, service)
        elif service is not None:
            self._services.add(service)
        for family in CONTRACT:
            if not family.services or service in family.services:
                try:
                    self._metric(family)
                except Exception as error:
                    self.say_once((family.key, "register"), "%s cannot be registered: %s", family.name, error)

    def record(self, key: str, known: Mapping[str, str], action: Callable[[Any], object], quiet: bool = False) -> None:
        """Writes to a metric that the catalog may have, with those of the known labels that it declares."""
        family = self.contract.get(key)
        if family is None or not {label.name for label in family.labels} <= known.keys():
            message = "the catalog declares no %s with labels among %s: it is not written"
            self.say_once((key,), message, key, ", ".join(known))
        else:
            self.write(key, tuple(known[label.name] for label in family.labels), action, quiet)

    def write(self, key: str, values: tuple[str, ...], action: Callable[[Any], object], quiet: bool = False) -> None:
        """Lets the action have the metric with these label values; whatever goes wrong goes to the log."""
        try:
            child = self._children.get((key, values)) or self._child(self.contract[key], values, quiet)
            if child is not None:
                action(child)
        except Exception as error:
            self.say_once((key, "write"), "%s is not written: %s: %s", key, type(error).__name__, error)

    def say_once(self, about: tuple[str, ...], message: str, *values: object) -> None:
        """Warns of each mistake the first time only, so that a mistake in a busy handler does not fill the disk."""
        if about not in self._said:
            self._said.add(about)
            _log.warning(message, *values)

    def _child(self, family: Family, values: tuple[str, ...], quiet: bool) -> Child | None:
        admitted = [self._admitted(family, label, str(value), quiet) for label, value in zip(family.labels, values)]
        inside = tuple(value for value in admitted if value is not None)
        if len(inside) < len(family.labels):
            return None
        # Matching needs no lock, and none is held while it lasts.
        beside = [_beside(label, value) for label, value in zip(family.labels, inside)] if family.kind == "counter" else []
        with self._lock:
            metric = self._metric(family)
            if not inside:
                child = metric
            else:
                if beside:
                    _initialise(metric, beside)
                child = metric.labels(*inside)
            if inside == values:
                self._children[family.key, values] = child
        return child

    def _admitted(self, family: Family, label: Label, value: str, quiet: bool) -> str | None:
        """The value, or what the contract has in its place."""
        if label.admits(value):
            return value
        spelled = next((other for other in _spelled(label.name, value) if label.admits(other)), None)
        if spelled is not None:
            return spelled
        instead = _INSTEAD.get(label.name, ("other", "unknown"))
        if label.name == "method":
            instead = (*instead, *label.values)
        found = next((candidate for candidate in instead if label.admits(candidate)), None)
        if not quiet:
            outcome = "the sample is left out" if found is None else f"{found!r} is written instead"
            message = "%s: %s=%.100r is outside the contract: %s"
            self.say_once((family.key, label.name), message, family.name, label.name, value, outcome)
        return found

    def _metric(self, family: Family) -> Child:
        with self._lock:
            if family.key not in self._metrics:
                if family.services and self._services and not self._services.intersection(family.services):
                    services = ", ".join(sorted(self._services))
                    self.say_once((family.key, "emits"), "%s is not declared for %s", family.name, services)
                metric = self._metrics[family.key] = _made(family)
                if family.labels and family.kind != "gauge" and all(label.values for label in family.labels):
                    _initialise(metric, [label.values for label in family.labels])
            return self._metrics[family.key]


def _spelled(label: str, value: str) -> tuple[str, ...]:
    """How else a contract may spell what the middleware counts: 2xx for 200, get for GET."""
    if label == "status":
        return value[:1] + "xx", value[:1] + "XX"
    return (value.lower(),) if label == "method" else ()


def _made(family: Family) -> Child:
    names = [label.name for label in family.labels]
    if family.kind == "counter":
        return prometheus_client.Counter(family.name, family.help, names, registry=None)
    if family.kind == "gauge":
        return prometheus_client.Gauge(family.name, family.help, names, registry=None, multiprocess_mode="livesum")
{% if summaries %}
    if family.kind == "summary":
        return prometheus_client.Summary(family.name, family.help, names, registry=None)
{% endif %}
    buckets = sorted(family.buckets) or prometheus_client.Histogram.DEFAULT_BUCKETS
    return prometheus_client.Histogram(family.name, family.help, names, registry=None, buckets=buckets)


def _initialise(metric: Child, choices: Sequence[Sequence[str]]) -> None:
    """Brings label sets into being at zero: the first increase of a series that appears with it is lost to Prometheus."""
    for count, values in enumerate(product(*choices)):
        if count == MOST_LABEL_SETS:
            break
        metric.labels(*values)


def _beside(label: Label, value: str) -> Sequence[str]:
    """The values that begin at zero as soon as this one is used."""
    if label.name == "status" and not label.values:
        return [status for status in ("200", "500") if label.admits(status)]
    return [value] if label.name == "method" or not label.values else label.values


def _families(registry: CollectorRegistry) -> _Families:
    """Those of the registry; they are kept on it, so that a second copy of this module finds them too."""
    with _registering:
        found: _Families | None = getattr(registry, _SHARED, None)
        if found is None:
            found = _Families()
            try:
                if _shared_folder():
                    os.makedirs(_shared_folder(), exist_ok=True)
            except OSError as error:
                _log.error("PROMETHEUS_MULTIPROC_DIR cannot be made, so there are no metrics: %s", error)
            try:
                registry.register(found)
            except ValueError as error:
                _log.error("a metric of the catalog is registered elsewhere too; remove it there: %s", error)
                registry.register(_Undescribed(found))
            setattr(registry, _SHARED, found)
        return found


_registering = threading.Lock()


class _Undescribed:
    """The same metrics for a registry that would refuse their names."""

    def __init__(self, families: _Families) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        return self._families.collect()


class _Handle:
    def __init__(self, families: _Families, key: str) -> None:
        self._families = families
        self._key = key

    def _write(self, values: tuple[str, ...], action: Callable[[Any], object]) -> None:
        self._families.write(self._key, values, action)


class Counter(_Handle):
    """A counter without labels."""

    def inc(self, amount: float = 1) -> None:
        """Counts one more, or so many."""
        self._write((), lambda child: child.inc(amount))


class Gauge(_Handle):
    """A gauge without labels."""

    def set(self, value: float) -> None:
        """Shows this value."""
        self._write((), lambda child: child.set(value))

    def inc(self, amount: float = 1) -> None:
        """Goes up by one, or by so much."""
        self._write((), lambda child: child.inc(amount))

    def dec(self, amount: float = 1) -> None:
        """Goes down by one, or by so much."""
        self._write((), lambda child: child.dec(amount))


class Histogram(_Handle):
    """A histogram without labels."""

    def observe(self, value: float) -> None:
        """Adds an observation."""
        self._write((), lambda child: child.observe(value))
{% if summaries %}


class Summary(_Handle):
    """A summary without labels: a sum and a count, as prometheus_client works out no quantiles."""

    def observe(self, value: float) -> None:
        """Adds an observation."""
        self._write((), lambda child: child.observe(value))
{% endif %}
{% for metric in labelled %}


class Metric_<< metric.key | bare >>(_Handle):
    << metric.help >>
{% set methods = {"counter": ["inc"], "gauge": ["set", "inc", "dec"], "histogram": ["observe"], "summary": ["observe"]} %}
{% for method in methods[metric.type] %}
{% set number = "value" if method in ["set", "observe"] else "amount" %}

    def << method | bare >>(
        self,
{% if number == "value" %}
        value: float,
{% else %}
        amount: float = 1,
{% endif %}
        *,
{% for label in metric.written %}
        << label | python_name(["self", "value", "amount"]) >>: str,
{% endfor %}
    ) -> None:
        self._write(
            (
{% for label in metric.written %}
                << label | python_name(["self", "value", "amount"]) >>,
{% endfor %}
            ),
            lambda child: child.<< method | bare >>(<< number | bare >>),
        )
{% endfor %}
{% endfor %}


@dataclass
class _Request:
    """The request that is being answered, and what its handler has counted itself."""

    counted: bool = False
    failed: bool = False


_current: ContextVar[_Request | None] = ContextVar("request_being_counted", default=None)


class _Instrumentable(Protocol):
    def add_middleware(self, middleware_class: Any, /, *args: Any, **kwargs: Any) -> None: ...


_App = TypeVar("_App", bound=_Instrumentable)


class MetricsCollector:
    """What a service counts with; see the top of this file."""

    def __init__(self, service: str | None = None, *, registry: CollectorRegistry | None = None) -> None:
        """For the service of this name in the catalog; by default the one that SERVICE_NAME names."""
        self._service = service or os.environ.get("SERVICE_NAME") or None
        self._registry = prometheus_client.REGISTRY if registry is None else registry
        self._families = _families(self._registry)
        self._families.declare(self._service)
{% for metric in metrics %}
{% set attribute = metric.key | python_name(["exposition", "increment_error", "increment_request", "instrument", "self"]) %}
{% if metric.written %}
        self.<< attribute >> = Metric_<< metric.key | bare >>(self._families, << metric.key >>)
{% else %}
        self.<< attribute >> = << metric.type | capitalize | bare >>(self._families, << metric.key >>)
{% endif %}
        << metric.help >>
{% endfor %}

    def increment_request(self, endpoint: str, method: str, status: str | int) -> None:
        """Counts a request that was answered with this HTTP status."""
        self._count(endpoint, method, str(status))

    def increment_error(self, endpoint: str, method: str, error_type: str) -> None:
        """Counts a request that an exception ended, as status 500, and the exception by the name of its class."""
        request = _current.get()
        if request is not None:
            request.failed = True
        self._count(endpoint, method, "500")
        exception = str(error_type).rpartition(".")[2]
        labels = {"endpoint": endpoint, "method": method, "exception": exception}
        self._families.record("exceptions_total", labels, lambda child: child.inc())

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The body and the content type of /metrics for this Accept header, for services that are not ASGI."""
        registry = self._registry
        if _shared_folder():
            _bury_dead_workers()
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call, unused-ignore]
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type

    def instrument(self, app: _App) -> _App:
        """Adds the middleware to a FastAPI or Starlette application, before it starts; a second call changes nothing."""
        present: Iterable[Any] = getattr(app, "user_middleware", ())
        if not any(getattr(middleware, "cls", None) is _Middleware for middleware in present):
            app.add_middleware(_Middleware, collector=self)
        return app

    def _count(self, endpoint: str, method: str, status: str) -> None:
        request = _current.get()
        if request is not None:
            request.counted = True
        labels = {"endpoint": endpoint, "method": method, "status": status}
        self._families.record("requests_total", labels, lambda child: child.inc())


def _shared_folder() -> str:
    """Where the workers of a service keep their values; empty when there is but one."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR") or os.environ.get("prometheus_multiproc_dir") or ""


def _bury_dead_workers() -> None:
    """Takes the gauges of workers that have ended out of the sum."""
    for path in glob.glob(os.path.join(glob.escape(_shared_folder()), "gauge_live*_*.db")):
        process = path.rpartition("_")[2].removesuffix(".db")
        if process.isdigit() and not _runs(int(process)):
            mark_process_dead(int(process))  # type: ignore[no-untyped-call, unused-ignore]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class _Middleware:
    """Pure ASGI, so that streams, websockets and exceptions go through untouched."""

    def __init__(self, app: AsgiApp, collector: MetricsCollector) -> None:
        self._app = app
        self._collector = collector
        self._families = collector._families
        named = SERVICES.get(collector._service or "")
        here = list(SERVICES.values()) if named is None else [named]
        self._metrics_paths = {service.metrics_path for service in here}
        self._health_paths = {service.health_path for service in here}
        self._initialised = False
        self._templates: dict[int, str | None] = {}  # of the functions that answer; None: the function has several

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" or _SHARED in scope:  # a mounted application is counted by the one around it
            await self._app(scope, receive, send)
            return
        if not self._initialised:
            self._initialised = True
            self._initialise_routes(scope)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_SHARED] = True
        path, asked = _path(scope), dict(scope)
        if path in self._metrics_paths:
            await self._answer(scope, send, *self._exposed(scope))
        elif path in self._health_paths and self._matched(asked) == UNMATCHED:
            await self._counted(self._health, lambda: path, scope, receive, send)
        else:
            await self._counted(self._app, lambda: self._endpoint(asked, scope), scope, receive, send)

    async def _counted(
        self, app: AsgiApp, endpoint: Callable[[], str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        request = _Request()
        status, exception, finished = "500", "", 0.0
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status, finished
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                finished = time.perf_counter()

        token = _current.set(request)
        try:
            await app(scope, receive, watch)
        except Exception as error:
            exception = type(error).__name__
            if not finished:  # after the last byte it is a background task that failed, not the request
                status = "500"
            raise
        except BaseException:  # cancelled: nobody was answered, and nothing failed
            status = ""
            raise
        finally:
            _current.reset(token)
            if status:
                method = _METHODS.get(scope["method"], "OTHER")
                labels = {"endpoint": endpoint(), "method": method, "status": status}
                self._finish(request, labels, exception, (finished or time.perf_counter()) - started)

    def _finish(self, request: _Request, labels: Mapping[str, str], exception: str, seconds: float) -> None:
        record = self._families.record
        if not request.counted:
            record("requests_total", labels, lambda child: child.inc(), quiet=True)
        if exception and not request.failed:
            record("exceptions_total", {**labels, "exception": exception}, lambda child: child.inc(), quiet=True)
        record("request_duration_seconds", labels, lambda child: child.observe(seconds), quiet=True)

    def _initialise_routes(self, scope: Scope) -> None:
        """Every route's counter exists before its first request, so that a first request that fails is an increase."""
        family = self._families.contract.get("requests_total")
        try:
            for endpoint, method, function in _declared_routes(scope["app"].routes):
                if self._templates.setdefault(id(function), endpoint) != endpoint:
                    self._templates[id(function)] = None
                if family and all(label.admits(method) for label in family.labels if label.name == "method"):
                    labels = {"endpoint": endpoint, "method": method, "status": "200"}
                    self._families.record("requests_total", labels, lambda child: None, quiet=True)
        except Exception as error:
            self._families.say_once(("routes",), "the routes' counters begin at their first request: %s", error)

    def _endpoint(self, asked: Scope, answered: Scope) -> str:
        """The template of the route: by the function that answered, which costs nothing, else by matching again."""
        return self._templates.get(id(answered.get("endpoint"))) or self._matched(asked)

    def _matched(self, scope: Scope) -> str:
        try:
            return _template(scope["app"].routes, scope) or UNMATCHED
        except Exception as error:
            self._families.say_once(("template",), "requests cannot be told apart by route: %s", error)
            return UNMATCHED

    def _exposed(self, scope: Scope) -> tuple[int, bytes, str]:
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        try:
            return (200, *self._collector.exposition(accept))
        except Exception as error:
            _log.exception("/metrics cannot be exposed")
            return (500, f"{type(error).__name__}: {error}\n".encode(), "text/plain; charset=utf-8")

    async def _health(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = {"service": self._collector._service} if self._collector._service else {}
        await self._answer(scope, send, 200, json.dumps({"status": "healthy", **named}).encode(), "application/json")

    async def _answer(self, scope: Scope, send: Send, status: int, body: bytes, content_type: str) -> None:
        headers = [(b"content-type", content_type.encode("latin-1")), (b"content-length", str(len(body)).encode())]
        if scope["method"] not in ("GET", "HEAD"):
            status, body, headers = 405, b"", [(b"allow", b"GET, HEAD"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _routes(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes one by one: newer versions of FastAPI keep an included router as a single entry."""
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if included is None:
            yield route
        else:
            yield from (getattr(context, "starlette_route", None) or context for context in included())


def _declared_routes(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str, object]]:
    """The path, a method and the function of every route, those of mounted applications included."""
    for route in _routes(routes):
        path = prefix + getattr(route, "path", "")
        for method in sorted(getattr(route, "methods", None) or ()):
            yield path, method, getattr(route, "endpoint", route)
        yield from _declared_routes(getattr(route, "routes", None) or (), path)


def _template(routes: Iterable[Any], scope: Scope, prefix: str = "") -> str | None:
    """The path of the route that answers, with its parameters' names and not their values."""
    partial = None
    for route in _routes(routes):
        match, child_scope = route.matches(scope)
        if match.name == "NONE":
            continue
        path = prefix + getattr(route, "path", "")
        nested = getattr(route, "routes", None)
        if nested:
            return _template(nested, {**scope, **child_scope}, path)
        if match.name == "FULL":
            return path or "/"
        partial = partial or path
    return partial
