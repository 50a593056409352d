"""Benchmark `door`: submissions a second that the gateway acknowledges, beside the least endpoint that could."""

import itertools
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic
from standardwebhooks.webhooks import Webhook

from bench.frame import Bench, Benchmark, Results, Table, median
from bench.http_load import Measured, post, run
from services.intake.gateway.credentials import platform_key
from services.runtime import wall
from services.runtime.mesh import Mesh
from services.runtime.ports import free_port, port_accepts
from services.runtime.processes import spawn, stop_all, wait_until
from services.runtime.settings import Settings

PLATFORM = "dq12345"
PATH = f"/v1/platforms/{PLATFORM}/tickets"
CONNECTIONS = 64
TIMES = 3
NAMES = {
    "gateway": "the gateway: signature, limits, schema, vault, 409, Kafka",
    "minimal": "FastAPI + aiokafka, no check",
}
MATTER = {
    "kind": "help", "category": "bulky-waste", "area": "533423100", "channel": "phone", "title": "旧沙发无人清运",
    "content": "小区门口的垃圾房旁边有一张旧沙发,已经放了一个星期,挡住了消防通道,希望尽快派人清走。" * 3,
    "reporter": {"name": "虚构", "phone": "00000000000", "address": "虚构路 1 号 2 栋 303"},
}  # fmt: skip


def requests(key: bytes, numbers: Iterator[int], count: int) -> list[bytes]:
    """Give signed requests, each with a matter of its own; made before the clock runs."""
    signer, now = Webhook(key), wall.now() + timedelta(seconds=30)
    found = []
    for number in itertools.islice(numbers, count):
        body = json.dumps(MATTER | {"upstream_id": f"B-{number}", "time": now.isoformat()}, ensure_ascii=False)
        headers = {
            "content-type": "application/json", "webhook-id": f"B-{number}",
            "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signer.sign(f"B-{number}", now, body),
        }  # fmt: skip
        found.append(post(PATH, headers, body.encode()))
    return found


def _run(bench: Bench) -> Results:
    count, numbers = bench.size(5_000, 1_500), itertools.count(1)
    with bench.cluster(redis=True) as servers:
        policies = bench.home / "ops"
        settings = Settings(
            bootstrap_servers=servers.bootstrap_servers, redis_url=servers.redis_url, home=bench.home / "mesh",
            policy_dir=_ops(policies),
        )  # fmt: skip
        key, port = platform_key(settings.master_key, PLATFORM, 1), free_port()
        admin = AdminClient({"bootstrap.servers": servers.bootstrap_servers})
        admin.create_topics([NewTopic("minimal", num_partitions=4)])["minimal"].result()
        argv = [sys.executable, "-m", "bench.minimal_endpoint", servers.bootstrap_servers, "minimal", str(port)]
        minimal = spawn("minimal", argv, log_dir=bench.home)
        try:
            wait_until(lambda: port_accepts(port), 60, "the minimal endpoint", children=[minimal])
            with Mesh(settings, bench.home / "logs", ("intake",)) as mesh:
                ports = {"gateway": mesh.http_port, "minimal": port}

                def once(name: str) -> Measured:
                    return run(ports[name], requests(key, numbers, count), CONNECTIONS)

                for name in ports:
                    run(ports[name], requests(key, numbers, count // 10), CONNECTIONS)  # warm
                found = bench.interleaved({name: partial(once, name) for name in ports}, TIMES)
        finally:
            stop_all([minimal])
    wrong = {status for runs in found.values() for measured in runs for status in measured.statuses} - {202}
    if wrong:
        raise RuntimeError(f"answered with {sorted(wrong)}: the rates would mean nothing")
    return {
        "requests": count,
        "connections": CONNECTIONS,
        "runs": {n: [vars(m) for m in ms] for n, ms in found.items()},
    }


def _ops(folder: Path) -> Path:
    """Copy the policies, with a rate for the platform that is no limit here."""
    shutil.copytree(Path(__file__).parents[2] / "ops", folder)
    path = folder / "platforms" / "weixi" / f"{PLATFORM}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(": 6000", ": 100000000"), encoding="utf-8")
    return folder


def _of(results: Results, name: str, field: str) -> float:
    return median(run[field] for run in results["runs"][name])


def _verdict(results: Results) -> str:
    ours, least = (_of(results, name, "rate") for name in ("gateway", "minimal"))
    return (
        f"{ours:,.0f} submissions/s acknowledged by Kafka, p99 {_of(results, 'gateway', 'p99'):,.0f} ms; "
        f"the least endpoint takes {least:,.0f}/s, {least / ours:.2f} times as many"
    )


def _tables(results: Results) -> list[Table]:
    heads = ("endpoint", "submissions/s", "p50 ms", "p99 ms", "longest ms")
    rows = []
    for name, title in NAMES.items():
        figures = (_of(results, name, field) for field in ("rate", "p50", "p99", "longest"))
        rows.append((title, *(f"{figure:,.0f}" if figure >= 100 else f"{figure:,.1f}" for figure in figures)))
    return [Table(heads, rows)]


BENCHMARK = Benchmark(
    "door",
    "Submissions of matters by HTTP over 64 connections that are kept alive, each answered 202 when Kafka has "
    "acknowledged it; one process each, with broker, Redis and the load generator on the same machine. The gateway "
    "checks signature, rate, size, shape and schema, tells another body under a known id, seals the person in the "
    "vault (fsync) and publishes the command; the other endpoint parses the JSON and publishes it with aiokafka.",
    _run,
    _verdict,
    _tables,
)
