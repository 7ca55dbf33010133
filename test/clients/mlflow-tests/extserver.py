"""A pytest plugin that gives MLflow's own tests a local Assay, new for each, in the place of MLflow's server.

ASSAY_CHECKOUT is the checkout whose stack is started, ASSAY_ASSEMBLY its synthesized template.
"""

import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests.adapters
import tests.tracking.integration_test_utils as utilities

# Of spans that come by OTLP, which go through a queue, until their trace has settled.
settle_seconds = 7
reads = ("/search", "/metrics", "/get", "/batchGet", "/batchGetInfos", "/calculate-filter-correlation")
left_out = Path(__file__).with_name("left-out.txt")


class AssayServer:
    """What MLflow's ServerThread is to its tests: a context whose value is the server's URL."""

    def __init__(self, *_, **__):
        self.process = None

    def __enter__(self):
        checkout = os.environ["ASSAY_CHECKOUT"]
        command = ["node", f"{checkout}/local/bin/local.ts", "--port", "0", "--json", "--assembly", os.environ["ASSAY_ASSEMBLY"]]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=checkout)
        ready = json.loads(self.process.stdout.readline())
        os.environ["MLFLOW_TRACKING_TOKEN"] = wire.key = ready["admin_key"]
        self.url = ready["url"]
        return self.url

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        return False


class Wire:
    """Adds the key to requests that the tests make themselves, and waits for what they have just sent by OTLP."""

    def __init__(self):
        self.key = ""
        self.sent_at = 0.0
        self.send = requests.adapters.HTTPAdapter.send

    def adapt(self, adapter, request, **options):
        request.headers.setdefault("Authorization", f"Bearer {self.key}")
        path = request.path_url.split("?")[0]
        if path.endswith(reads):
            time.sleep(max(0.0, self.sent_at + settle_seconds - time.monotonic()))
        response = self.send(adapter, request, **options)
        is_client = request.headers.get("User-Agent", "").startswith("mlflow-python-client")
        if path == "/v1/traces" and not is_client:
            self.sent_at = time.monotonic()
        return response


wire = Wire()
requests.adapters.HTTPAdapter.send = lambda adapter, request, **options: wire.adapt(adapter, request, **options)


@contextmanager
def init_server(*_, **__):
    with AssayServer() as url:
        yield url


utilities.ServerThread = AssayServer
utilities._init_server = init_server


def pytest_collection_modifyitems(items):
    lines = [line for line in left_out.read_text().splitlines() if line and not line.startswith("#")]
    reasons = dict(line.split(": ", 1) for line in lines)
    for item in items:
        reason = reasons.get(item.originalname)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
