"""generated/monitoring/metrics.py as the services use it: under uvicorn, scraped by Prometheus."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
CATALOG = tomllib.loads((ROOT / "services.toml").read_text())
PREFIX = CATALOG["platform"]["metric_prefix"]
REQUESTS = f"{PREFIX}_requests_total"

sys.path.insert(0, str(GENERATED))
from monitoring.metrics import MetricsCollector  # noqa: E402

# The endpoint of the platform's documentation, as it stands there.
EXAMPLE = """
from monitoring.metrics import MetricsCollector

# Initialize metrics collector
metrics_collector = MetricsCollector()

# Use in endpoints
@router.get("/health")
async def health_check():
    try:
        # Your health check logic
        result = {"status": "healthy"}
        metrics_collector.increment_request("health", "GET", "200")
        return result
    except Exception as e:
        metrics_collector.increment_error("health", "GET", str(type(e).__name__))
        raise
"""

ITEMS = """
from fastapi import APIRouter
from monitoring.metrics import MetricsCollector

metrics_collector = MetricsCollector()
items = APIRouter(prefix="/items")

@items.get("/{item}")
async def read(item: str):
    return {"item": item}

@items.get("/{item}/fail")
def fail(item: str):
    raise ValueError(item)

@items.get("/{item}/reported")
def reported(item: str):
    metrics_collector.increment_error("reported", "GET", "KeyError")
    raise KeyError(item)
"""

APP = (
    "from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket\n"
    "from fastapi.responses import StreamingResponse\n"
    "router = APIRouter()\n" + EXAMPLE + """
@router.get("/refused")
def refused():
    raise HTTPException(503)

async def chunks(broken):
    for number in range(3):
        yield f"chunk {number}\\n"
        if broken:
            raise RuntimeError("broken off")

@router.get("/stream")
async def stream():
    return StreamingResponse(chunks(False))

@router.get("/broken-stream")
async def broken_stream():
    return StreamingResponse(chunks(True))

def fail_late():
    raise LookupError("after the answer")

@router.get("/task")
def task(tasks: BackgroundTasks):
    tasks.add_task(fail_late)
    return "answered"

@router.websocket("/ws")
async def echo(socket: WebSocket):
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()

tenant = FastAPI()

@tenant.get("/orders/{order}")
def order(order: str):
    return order

from items import items
app = FastAPI()
metrics_collector.instrument(app)
router.include_router(items)
app.include_router(router)
app.include_router(items, prefix="/v2")
app.mount("/tenants/{tenant}", tenant)
MetricsCollector().instrument(app)
"""
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(question, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            answer = question()
            if answer:
                return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")


@contextlib.contextmanager
def running(command, ready, log, **options):
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
        try:
            wait_for(lambda: httpx.get(ready).status_code == 200, f"{ready} ({log.read_text()})")
            yield process
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def served(folder, application=APP, workers=1, environment=None):
    """The application under uvicorn; gives its address."""
    (folder / "application.py").write_text(application)
    (folder / "items.py").write_text(ITEMS)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "application:app", "--host", "127.0.0.1", "--port", str(port)]
    path = os.pathsep.join([str(GENERATED), str(folder)])
    variables = {**clean(), "PYTHONPATH": path, **(environment or {})}
    options = {"cwd": folder, "env": variables}
    with running([*command, "--workers", str(workers)], f"{address}/metrics", folder / "uvicorn.log", **options):
        yield address


def clean():
    return {key: value for key, value in os.environ.items() if key not in ("SERVICE_NAME", "PROMETHEUS_MULTIPROC_DIR")}


def families(text):
    return list(text_string_to_metric_families(text))


def samples(text, name):
    """Label sets, in the form of the exposition, and their values."""
    found = {}
    for family in families(text):
        for sample in family.samples:
            if sample.name == name:
                found[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(text, name, **labels):
    return samples(text, name).get(tuple(sorted(labels.items())))


def scraped(address):
    return httpx.get(f"{address}/metrics").text


def exposed(collector):
    return collector.exposition()[0].decode()


def run_python(code, **environment):
    variables = {**clean(), "PYTHONPATH": str(GENERATED), **environment}
    result = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(tmp_path_factory.mktemp("service"), environment={"SERVICE_NAME": "memory-manager"}) as address:
        yield address


@pytest.fixture(autouse=True)
def unnamed(monkeypatch):
    monkeypatch.delenv("SERVICE_NAME", raising=False)
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


# ── The contract ──


def emitted_by(service):
    return {key: metric for key, metric in CATALOG["metrics"].items() if service in metric.get("services", CATALOG["services"])}


def admitted(allowed):
    candidates = allowed if isinstance(allowed, list) else ["200", "ValueError", "/items/{item}"]
    return next(text for text in candidates if isinstance(allowed, list) or re.fullmatch(allowed, text))


def touch(collector, key, metric):
    labels = {label: admitted(allowed) for label, allowed in metric.get("labels", {}).items()}
    handle = getattr(collector, key)
    {"counter": lambda: handle.inc(**labels), "gauge": lambda: handle.set(1, **labels), "histogram": lambda: handle.observe(1, **labels)}[
        metric["type"]
    ]()


def as_exposed(text):
    """Name → type, labels, buckets, of the families that carry the prefix."""
    found = {}
    for family in families(text):
        if family.name.startswith(PREFIX + "_"):
            labels = {label for sample in family.samples for label in sample.labels if label != "le"}
            buckets = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
            name = family.name + ("_total" if family.type == "counter" else "")
            found[name] = (family.type, labels, buckets)
    return found


def as_declared(metrics):
    bounds = {key: {*map(float, metric["buckets"]), float("inf")} if "buckets" in metric else set() for key, metric in metrics.items()}
    return {f"{PREFIX}_{key}": (metric["type"], set(metric.get("labels", {})), bounds[key]) for key, metric in metrics.items()}


@pytest.mark.parametrize("service", CATALOG["services"])
def test_a_service_exposes_its_part_of_the_catalog_and_nothing_else(service):
    collector = MetricsCollector(service=service, registry=CollectorRegistry())
    metrics = emitted_by(service)
    assert set(as_exposed(exposed(collector))) == set(as_declared(metrics)), "before first use"
    for key, metric in metrics.items():
        touch(collector, key, metric)
    assert as_exposed(exposed(collector)) == as_declared(metrics)


def test_without_a_name_what_every_service_emits_comes_first_and_the_rest_at_first_use():
    collector = MetricsCollector(registry=CollectorRegistry())
    everywhere = {f"{PREFIX}_{key}" for key, metric in CATALOG["metrics"].items() if "services" not in metric}
    assert set(as_exposed(exposed(collector))) == everywhere
    for key, metric in CATALOG["metrics"].items():
        touch(collector, key, metric)
    assert as_exposed(exposed(collector)) == as_declared(CATALOG["metrics"])


def test_a_served_process_exposes_the_contract_and_the_process_metrics(address):
    text = scraped(address)
    assert set(as_exposed(text)) == set(as_declared(emitted_by("memory-manager")))
    assert value(text, f"{PREFIX}_memory_retrievals_total") == 0
    names = {sample.name for family in families(text) for sample in family.samples}
    assert {"process_cpu_seconds_total", "process_cpu_user_seconds_total", "process_cpu_system_seconds_total"} <= names
    assert "process_resident_memory_bytes" in names
    assert not [name for name in names if name.startswith(PREFIX) and name.endswith("_created")]


def test_promtool_finds_nothing_wrong_with_the_exposition(address):
    result = subprocess.run(["promtool", "check", "metrics"], input=scraped(address), capture_output=True, text=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_openmetrics_is_served_to_who_asks_for_it(address):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

    answer = httpx.get(f"{address}/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {f"{PREFIX}_requests"} <= {family.name for family in parse(answer.text)}


# ── Served ──


def test_metrics_answers_as_prometheus_expects(address):
    answer = httpx.get(f"{address}/metrics")
    assert (answer.status_code, answer.history) == (200, [])
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert httpx.head(f"{address}/metrics").text == ""
    assert httpx.post(f"{address}/metrics").status_code == 405


def test_the_documented_endpoint_counts_each_request_once(address):
    before = value(scraped(address), REQUESTS, endpoint="health", method="GET", status="200") or 0
    for _ in range(3):
        assert httpx.get(f"{address}/health").json() == {"status": "healthy"}
    text = scraped(address)
    assert value(text, REQUESTS, endpoint="health", method="GET", status="200") == before + 3
    assert value(text, REQUESTS, endpoint="health", method="GET", status="500") == 0
    assert value(text, REQUESTS, endpoint="/health", method="GET", status="200") == 0


def test_requests_are_counted_by_route_and_timed(address):
    for item in ("1", "2", "3"):
        assert httpx.get(f"{address}/items/{item}").json() == {"item": item}
        assert httpx.get(f"{address}/v2/items/{item}").status_code == 200
        assert httpx.get(f"{address}/tenants/{item}/orders/{item}").status_code == 200
    text = scraped(address)
    for endpoint in ("/items/{item}", "/v2/items/{item}", "/tenants/{tenant}/orders/{order}"):
        assert value(text, REQUESTS, endpoint=endpoint, method="GET", status="200") == 3, endpoint
        assert value(text, f"{PREFIX}_request_duration_seconds_count", endpoint=endpoint, method="GET") == 3


def test_every_route_has_its_counters_before_its_first_request(tmp_path):
    with served(tmp_path) as address:
        zeros = samples(scraped(address), REQUESTS)
        for endpoint in ("/items/{item}/fail", "/v2/items/{item}", "/tenants/{tenant}/orders/{order}", "/refused"):
            for status in ("200", "500"):
                assert zeros[("endpoint", endpoint), ("method", "GET"), ("status", status)] == 0
        assert set(zeros.values()) == {0}


def test_exceptions_are_counted_and_still_answer_500(address):
    assert httpx.get(f"{address}/items/7/fail").status_code == 500
    assert httpx.get(f"{address}/items/7/reported").status_code == 500
    assert httpx.get(f"{address}/refused").status_code == 503
    text = scraped(address)
    assert value(text, REQUESTS, endpoint="/items/{item}/fail", method="GET", status="500") == 1
    assert value(text, f"{PREFIX}_exceptions_total", endpoint="/items/{item}/fail", method="GET", exception="ValueError") == 1
    assert value(text, REQUESTS, endpoint="reported", method="GET", status="500") == 1
    assert value(text, f"{PREFIX}_exceptions_total", endpoint="reported", method="GET", exception="KeyError") == 1
    assert value(text, REQUESTS, endpoint="/items/{item}/reported", method="GET", status="500") == 0
    assert not [labels for labels in samples(text, f"{PREFIX}_exceptions_total") if ("endpoint", "/items/{item}/reported") in labels]
    assert value(text, REQUESTS, endpoint="/refused", method="GET", status="503") == 1


def test_streams_websockets_and_background_tasks_are_unharmed(address):
    assert httpx.get(f"{address}/stream").text == "chunk 0\nchunk 1\nchunk 2\n"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{address}/broken-stream")
    assert httpx.get(f"{address}/task").json() == "answered"
    with connect(f"{address.replace('http', 'ws')}/ws") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "hello"
    text = scraped(address)
    assert value(text, REQUESTS, endpoint="/stream", method="GET", status="200") == 1
    assert value(text, REQUESTS, endpoint="/broken-stream", method="GET", status="500") == 1
    assert value(text, REQUESTS, endpoint="/task", method="GET", status="200") == 1
    assert value(text, f"{PREFIX}_exceptions_total", endpoint="/task", method="GET", exception="LookupError") == 1
    assert not [labels for labels in samples(text, REQUESTS) if ("endpoint", "/ws") in labels]


def test_a_scan_adds_one_endpoint_and_no_method(address):
    httpx.get(f"{address}/first-miss")
    before = set(samples(scraped(address), REQUESTS))
    for number in range(50):
        assert httpx.get(f"{address}/files/{number}.php").status_code == 404
        httpx.request(f"X{number}", f"{address}/files/{number}.php")
        httpx.request("PROPFIND", f"{address}/items/{number}")
        httpx.get(f"{address}/tenants/{number}/nothing")
    added = set(samples(scraped(address), REQUESTS)) - before
    assert added <= {(("endpoint", "/items/{item}"), ("method", "GET"), ("status", "405"))}
    assert value(scraped(address), REQUESTS, endpoint="unmatched", method="GET", status="404") > 50


def test_health_is_added_where_the_application_has_none(tmp_path):
    application = """
from starlette.applications import Starlette
from monitoring.metrics import MetricsCollector

app = MetricsCollector(service="rl-orchestrator").instrument(Starlette())
"""
    with served(tmp_path, application) as address:
        answer = httpx.get(f"{address}/health")
        assert answer.json() == {"status": "healthy", "service": "rl-orchestrator"}
        assert answer.headers["content-type"] == "application/json"
        assert httpx.get(f"{address}/nothing").status_code == 404
        text = scraped(address)
        assert value(text, REQUESTS, endpoint="/health", method="GET", status="200") == 1
        assert value(text, f"{PREFIX}_rl_training_active") == 0


def test_prometheus_sees_the_first_error_as_an_increase(tmp_path):
    port = free_port()
    with served(tmp_path) as address:
        target = address.removeprefix("http://")
        job = {"job_name": "service", "static_configs": [{"targets": [target]}]}
        configuration = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [job]}
        (tmp_path / "prometheus.yml").write_text(json.dumps(configuration))
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        server = f"http://127.0.0.1:{port}"

        def asked(query):
            return httpx.get(f"{server}/api/v1/query", params={"query": query}).json()["data"]["result"]

        with running(command, f"{server}/-/ready", tmp_path / "prometheus.log", cwd=tmp_path):
            error = f'{REQUESTS}{{endpoint="/items/{{item}}/fail",status="500"}}'
            wait_for(lambda: asked(f"count_over_time({error}[1m]) >= 3"), "three scrapes")
            assert httpx.get(f"{address}/items/1/fail").status_code == 500
            assert httpx.get(f"{address}/health").status_code == 200
            wait_for(lambda: asked(f"increase({error}[1m]) > 0"), "the increase of the first error")
            wait_for(lambda: asked(f'{REQUESTS}{{endpoint="health",status="200"}} == 1'), "the documented endpoint")
            assert asked('up{job="service"} == 1')
            for name in ("process_cpu_seconds_total", "process_cpu_user_seconds_total", "process_resident_memory_bytes"):
                assert asked(name), name


# ── Several workers ──


def test_two_workers_answer_with_one_sum(tmp_path):
    folder = tmp_path / "values"
    with served(tmp_path, workers=2, environment={"PROMETHEUS_MULTIPROC_DIR": str(folder)}) as address:
        for number in range(40):
            assert httpx.get(f"{address}/items/{number}").status_code == 200
        texts = [scraped(address) for _ in range(10)]
        counts = [value(text, REQUESTS, endpoint="/items/{item}", method="GET", status="200") for text in texts]
        assert counts == [40] * 10
        assert len({path.stem for path in folder.glob("counter_*.db")}) == 2
        assert "process_" not in texts[0], "what several workers lose has changed: mend the text on top of metrics.py"
        assert value(texts[0], REQUESTS, endpoint="/refused", method="GET", status="500") == 0


def test_the_gauges_of_workers_that_ended_are_taken_out(tmp_path):
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "SERVICE_NAME": "websocket-service"}
    use = "from monitoring.metrics import MetricsCollector as M; c = M(); c.websocket_connections_active.set(5); c.websocket_connections_total.inc();"
    run_python(use, **environment)
    text = run_python(use + "print(c.exposition()[0].decode())", **environment)
    assert value(text, f"{PREFIX}_websocket_connections_active") == 5
    assert value(text, f"{PREFIX}_websocket_connections_total") == 2


# ── In one process ──


def test_importing_registers_nothing_and_needs_no_framework():
    code = """
import sys
sys.modules["fastapi"] = sys.modules["starlette"] = None
from prometheus_client import REGISTRY, generate_latest
before = generate_latest(REGISTRY).count(b"# TYPE")
import monitoring.metrics
assert generate_latest(REGISTRY).count(b"# TYPE") == before
c = monitoring.metrics.MetricsCollector()
c.increment_request("health", "GET", "200")
print(c.exposition()[0].decode())
"""
    assert value(run_python(code), REQUESTS, endpoint="health", method="GET", status="200") == 1


def test_collectors_of_one_process_share_their_metrics_even_across_copies_of_the_module():
    code = """
import importlib
import monitoring.metrics as first
one, two = first.MetricsCollector(service="memory-manager"), first.MetricsCollector()
second = importlib.reload(first)
three = second.MetricsCollector(service="workflow-engine")
for collector in (one, two, three):
    collector.increment_request("a", "GET", "200")
print(three.exposition()[0].decode())
"""
    text = run_python(code)
    assert value(text, REQUESTS, endpoint="a", method="GET", status="200") == 3
    assert value(text, f"{PREFIX}_memory_retrievals_total") == value(text, f"{PREFIX}_workflow_executions_total") == 0


def test_registries_are_apart():
    one, two = (MetricsCollector(registry=CollectorRegistry()) for _ in range(2))
    one.increment_request("a", "GET", "200")
    assert value(exposed(one), REQUESTS, endpoint="a", method="GET", status="200") == 1
    assert samples(exposed(two), REQUESTS) == {}


def test_a_name_registered_elsewhere_is_said_and_raises_nothing(caplog):
    from prometheus_client import Counter

    registry = CollectorRegistry()
    Counter(REQUESTS, "made by hand", registry=registry)
    MetricsCollector(registry=registry).increment_request("a", "GET", "200")
    assert "registered elsewhere" in caplog.text and REQUESTS in caplog.text


@pytest.mark.parametrize(
    ("arguments", "written", "said"),
    [
        (("a", "GET", "ValueError"), ("a", "GET", "500"), True),
        (("a", "GET", 200), ("a", "GET", "200"), False),
        (("a", "FETCH", "200"), ("a", "GET", "200"), True),
        (("", "GET", "200"), ("other", "GET", "200"), True),
    ],
)
def test_values_outside_the_contract_are_replaced_and_said_once(caplog, arguments, written, said):
    collector = MetricsCollector(registry=CollectorRegistry())
    for _ in range(3):
        collector.increment_request(*arguments)
    endpoint, method, status = written
    assert value(exposed(collector), REQUESTS, endpoint=endpoint, method=method, status=status) == 3
    assert caplog.text.count("outside the contract") == said


def test_errors_count_as_500_and_by_class():
    collector = MetricsCollector(registry=CollectorRegistry())
    collector.increment_error("a", "GET", "ValueError")
    collector.increment_error("a", "GET", "package.module.Broken")
    text = exposed(collector)
    assert value(text, REQUESTS, endpoint="a", method="GET", status="500") == 2
    for exception in ("ValueError", "Broken"):
        assert value(text, f"{PREFIX}_exceptions_total", endpoint="a", method="GET", exception=exception) == 1


def test_mistakes_are_said_and_never_raised(caplog):
    collector = MetricsCollector(service="memory-manger", registry=CollectorRegistry())
    collector.memory_retrievals_total.inc(-1)
    collector.memory_retrievals_total.inc()
    assert value(exposed(collector), f"{PREFIX}_memory_retrievals_total") == 1
    assert "'memory-manger' is not a service" in caplog.text and "ValueError" in caplog.text
    other = MetricsCollector(service="agent-designer", registry=CollectorRegistry())
    other.memory_retrievals_total.inc()
    assert "not declared for agent-designer" in caplog.text


def test_an_exception_passes_through_the_middleware_as_it_is():
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def fail(request):
        raise ZeroDivisionError("as it is")

    app = Starlette(routes=[Route("/fail", fail)])
    MetricsCollector(registry=CollectorRegistry()).instrument(app)

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            await client.get("/fail")

    with pytest.raises(ZeroDivisionError, match="as it is"):
        asyncio.run(ask())


def test_a_cancelled_request_is_no_error():
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def cancelled(request):
        raise asyncio.CancelledError

    app = Starlette(routes=[Route("/slow", cancelled)])
    collector = MetricsCollector(registry=CollectorRegistry())
    collector.instrument(app)

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            with pytest.raises(asyncio.CancelledError):
                await client.get("/slow")

    asyncio.run(ask())
    assert set(samples(exposed(collector), REQUESTS).values()) == {0}


def test_a_folder_for_several_workers_that_cannot_be_made_takes_nothing_down():
    code = """
from monitoring.metrics import MetricsCollector
c = MetricsCollector(service="memory-manager")
c.increment_request("a", "GET", "200")
c.memory_retrievals_total.inc()
print("served")
"""
    assert run_python(code, PROMETHEUS_MULTIPROC_DIR="/dev/null/values") == "served\n"


# ── Types, and other catalogs ──

HOSTILE = """
[platform]
name = 'Ünï "quoted" & <b> \\\\ \"\"\"'
slug = "hostile"
metric_prefix = "p"

[groups.one]
title = "One"

[services.only]
group = "one"
port = 9000
metrics_path = "/internal/metrics"

[metrics.class]
type = "gauge"
help = 'A "gauge" \\ called class'

[metrics.class_]
type = "gauge"
help = "Another"
labels = { class = ["a", "b"], class_ = ".+", self = ".+", value = ".+", amount = ".+", str = ".+", float = ".+" }

[metrics.import_total]
type = "counter"
help = "Imports"
labels = { from = ["x", "y"], child = ["é", "\\"", "'"] }

[metrics.import]
type = "gauge"
help = "Imports under way"

[metrics.str]
type = "histogram"
help = "No buckets"

[metrics.float]
type = "histogram"
help = "Buckets out of order"
buckets = [5, 0.1]

[metrics.instrument]
type = "gauge"
help = "Named like a method"

[metrics.exposition]
type = "gauge"
help = "Named like a method"

[metrics.requests_total]
type = "counter"
help = "With a label that no request has"
labels = { tenant = ".+" }
"""

ANY_METHOD = """
[platform]
name = "Any"
slug = "any"
metric_prefix = "any"

[groups.one]
title = "One"

[services.only]
group = "one"
port = 9000

[metrics.requests_total]
type = "counter"
help = "Requests, of any method"
labels = { method = ".+", endpoint = ".+" }
"""

BARE = '[platform]\nname = "B"\nslug = "b"\nmetric_prefix = "b"\n[groups.one]\ntitle = "One"\n[services.only]\ngroup = "one"\nport = 9000\n'


def render(folder, catalog):
    (folder / "services.toml").write_text(catalog)
    monstack = os.environ.get("MONSTACK", ROOT / "target/debug/monstack")
    result = subprocess.run([monstack, "render", "--root", folder], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder / "generated"


def strictly_typed(*files, path):
    mypy = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--python-version", "3.10", "--cache-dir", os.devnull]
    result = subprocess.run([*mypy, *map(str, files)], capture_output=True, text=True, env={**clean(), "MYPYPATH": str(path)}, cwd=path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_module_and_its_use_are_typed(tmp_path):
    (tmp_path / "use.py").write_text(
        "from fastapi import FastAPI\n"
        "from monitoring.metrics import MetricsCollector\n"
        "collector = MetricsCollector(service='memory-manager')\n"
        "app: FastAPI = collector.instrument(FastAPI())\n"
        "collector.memory_retrievals_total.inc()\n"
        "collector.rl_episode_reward.set(1.5)\n"
        "collector.requests_total.inc(method='GET', endpoint='x', status='200')\n"
        "collector.request_duration_seconds.observe(0.1, method='GET', endpoint='x')\n"
        "collector.requests_total.inc(method='GET', endpoint='x')  # type: ignore[call-arg]\n"
    )
    shutil.copytree(GENERATED / "monitoring", tmp_path / "monitoring")
    strictly_typed("monitoring/metrics.py", "use.py", path=tmp_path)


def test_names_that_python_reserves_give_a_valid_module(tmp_path):
    generated = render(tmp_path, HOSTILE)
    strictly_typed("monitoring/metrics.py", path=generated)
    code = """
from monitoring.metrics import MetricsCollector
c = MetricsCollector()
c.class_.set(1)
c.class__.set(2, class_="a", class__="x", self_="x", value_="x", amount_="x", str="x", float="x")
c.import_total.inc(from_="x", child="'")
c.import_.inc()
c.str.observe(1)
c.float.observe(1)
c.instrument_.set(1)
c.exposition_.set(1)
c.increment_request("a", "GET", "200")
c.increment_error("a", "GET", "ValueError")
c.requests_total.inc(tenant="t")
print(c.exposition()[0].decode())
"""
    text = run_python(code, PYTHONPATH=str(generated))
    assert value(text, "p_class") == 1
    assert len(samples(text, "p_class_")) == 1
    assert sorted(samples(text, "p_import_total").values()) == [0, 0, 0, 0, 0, 1]
    assert value(text, "p_import") == 1
    assert value(text, "p_float_bucket", le="0.1") == 0
    assert samples(text, "p_requests_total") == {(("tenant", "t"),): 1}


def test_a_catalog_without_metrics_gives_a_module_that_still_serves(tmp_path):
    generated = render(tmp_path, BARE)
    strictly_typed("monitoring/metrics.py", path=generated)
    code = """
from monitoring.metrics import MetricsCollector
c = MetricsCollector(service="only")
c.increment_request("a", "GET", "200")
c.increment_error("a", "GET", "ValueError")
print(c.exposition()[0].decode())
"""
    assert "process_cpu_user_seconds_total" in run_python(code, PYTHONPATH=str(generated))


def test_a_client_cannot_invent_methods_where_the_contract_admits_any(tmp_path):
    generated = render(tmp_path, ANY_METHOD)
    code = """
import asyncio, httpx
from starlette.applications import Starlette
from monitoring.metrics import MetricsCollector
app = MetricsCollector().instrument(Starlette())
async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        for method in ("GET", "HEAD", "DELETE", *(f"X{number}" for number in range(20))):
            await client.request(method, "/nothing")
        print((await client.get("/metrics")).text)
asyncio.run(ask())
"""
    counted = samples(run_python(code, PYTHONPATH=str(generated)), "any_requests_total")
    assert {dict(labels)["method"]: count for labels, count in counted.items()} == {"GET": 2, "DELETE": 1, "OTHER": 20}
