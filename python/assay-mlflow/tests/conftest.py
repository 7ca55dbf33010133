from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Before MLflow is imported: failures come at once, and nothing is sent anywhere but to the test's server.
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", DO_NOT_TRACK="true")
for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
    os.environ.pop(name, None)
os.environ.pop("MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS", None)

import mlflow  # noqa: E402
from fake_assay import fake_assay  # noqa: E402
from recorder import Recorder, RecordingServer  # noqa: E402

from assay_mlflow import _server  # noqa: E402

MLFLOW_VERSION = tuple(int(part) for part in mlflow.__version__.split(".")[:2])


@pytest.fixture(autouse=True)
def servers_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports are used again: what answered there in another test is not what answers now."""
    monkeypatch.setattr(_server, "_is_assay", {})


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch) -> str:
    """A new experiment of the running Assay that ASSAY_URL names; its id."""
    url, key = os.environ.get("ASSAY_URL"), os.environ.get("ASSAY_KEY")
    if not url or not key:
        pytest.skip("needs a running Assay: set ASSAY_URL and ASSAY_KEY (an admin key)")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", key)
    mlflow.set_tracking_uri(url)
    return mlflow.set_experiment(f"assay-mlflow {uuid.uuid4()}").experiment_id


@pytest.fixture
def fake() -> Iterator[Recorder]:
    """A recording server that answers like Assay; experiment 7 is active."""
    recorder = fake_assay()
    with RecordingServer(recorder):
        mlflow.set_tracking_uri(recorder.url)
        mlflow.set_experiment(experiment_id="7")
        recorder.requests.clear()
        yield recorder


@pytest.fixture
def other_server() -> Iterator[Recorder]:
    """A server of MLflow that is not Assay."""
    recorder = fake_assay(store_type="SqlStore")
    with RecordingServer(recorder):
        mlflow.set_tracking_uri(recorder.url)
        mlflow.set_experiment(experiment_id="7")
        recorder.requests.clear()
        yield recorder
