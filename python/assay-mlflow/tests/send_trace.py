"""Traces as an OpenTelemetry SDK would send them: the same for every version of MLflow."""

from __future__ import annotations

import json
import os
import time
import urllib.request
import uuid
from typing import Any

import mlflow


def send_trace(experiment_id: str, *, inputs: Any, outputs: Any, session: str | None = None) -> str:
    """Sends a trace of one span to the running Assay, and returns its id once it can be read."""
    trace = uuid.uuid4().hex
    now = time.time_ns()
    attributes = {
        "mlflow.spanInputs": json.dumps(inputs),
        "mlflow.spanOutputs": json.dumps(outputs),
        "mlflow.spanType": json.dumps("CHAIN"),
        **({"session.id": session} if session else {}),
    }
    span = {
        "traceId": trace,
        "spanId": uuid.uuid4().hex[:16],
        "name": "answer",
        "kind": 1,
        "startTimeUnixNano": str(now - 5_000_000),
        "endTimeUnixNano": str(now),
        "status": {"code": 1},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    body = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]}
    request = urllib.request.Request(
        f"{os.environ['ASSAY_URL']}/v1/traces",
        data=json.dumps(body).encode(),
        headers={
            "content-type": "application/json",
            "authorization": f"Bearer {os.environ['ASSAY_KEY']}",
            "x-mlflow-experiment-id": experiment_id,
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200
    return _readable(f"tr-{trace}")


def _readable(trace_id: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = mlflow.get_trace(trace_id)
        if found is not None and found.data.spans:
            return trace_id
        time.sleep(0.2)
    raise AssertionError(f"trace {trace_id} cannot be read 30 s after it was sent")
