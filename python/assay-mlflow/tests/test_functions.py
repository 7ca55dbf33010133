"""`@scorer` functions: registered, read back, started, updated, stopped and deleted."""

from __future__ import annotations

import json

import mlflow
import pytest
from conftest import MLFLOW_VERSION
from fake_assay import SCORERS
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import ScorerSamplingConfig, delete_scorer, get_scorer, list_scorers, scorer
from recorder import Recorder


@scorer(aggregations=["mean", "max"])
def response_length(outputs):
    """Length of the answer in characters."""
    return len(str(outputs))


def test_registers_what_mlflow_serializes(fake: Recorder) -> None:
    registered = response_length.register(name="length")

    (request,) = fake.asked(f"POST {SCORERS}/register")
    serialized = json.loads(request.body["serialized_scorer"])
    assert (request.body["experiment_id"], request.body["name"]) == ("7", "length")
    assert serialized["call_source"] == "return len(str(outputs))"
    assert (serialized["name"], serialized["aggregations"]) == ("length", ["mean", "max"])
    assert (registered.name, registered.status.value) == ("length", "STOPPED")


def test_registers_and_reads_back(assay: str) -> None:
    response_length.register(name="length")

    (listed,) = list_scorers()
    read = get_scorer(name="length")

    assert (listed.name, listed.aggregations) == ("length", ["mean", "max"])
    assert read.run(inputs="ignored", outputs="abc") == 3
    # Of clients before 3.17 too: MLflow knows it for a function, and sends it as it came.
    assert read.kind.value == "decorator"
    assert read.model_dump()["call_source"] == "return len(str(outputs))"


def test_a_function_that_was_read_back_registers_as_the_next_version(assay: str) -> None:
    response_length.register(name="length")

    get_scorer(name="length").register()

    versions = mlflow.genai.scorers.registry.list_scorer_versions(name="length")
    assert [version for _, version in versions] == [1, 2]
    assert [found.run(outputs="abcd") for found, _ in versions] == [4, 4]


def test_starts_updates_and_stops(fake: Recorder) -> None:
    registered = response_length.register(name="length")

    started = registered.start(
        sampling_config=ScorerSamplingConfig(sample_rate=0.5, filter_string="trace.status = 'OK'")
    )
    updated = started.update(sampling_config=ScorerSamplingConfig(sample_rate=0.8))
    stopped = get_scorer(name="length").stop()

    assert [(found.status.value, found.sample_rate) for found in (started, updated, stopped)] == [
        ("STARTED", 0.5),
        ("STARTED", 0.8),
        ("STOPPED", 0.0),
    ]
    assert started.filter_string == "trace.status = 'OK'"
    assert registered.sample_rate is None


def test_starts_on_a_server_that_runs_python(assay: str) -> None:
    registered = response_length.register(name="length")
    try:
        started = registered.start(sampling_config=ScorerSamplingConfig(sample_rate=0.5))
    except MlflowException as error:
        # Refused by the server, with its reason; not by the client.
        assert "cannot be started" in error.message
        pytest.skip(f"this Assay runs no Python: {error.message}")
    assert (started.status.value, started.sample_rate) == ("STARTED", 0.5)
    assert started.stop().status.value == "STOPPED"


def test_deletes_the_whole_scorer_without_a_version(assay: str) -> None:
    response_length.register(name="length")
    response_length.register(name="length")

    delete_scorer(name="length")

    assert list_scorers() == []


def test_deletes_one_version_where_one_is_named(fake: Recorder) -> None:
    response_length.register(name="length")

    delete_scorer(name="length", version=1)

    (request,) = fake.asked(f"DELETE {SCORERS}/delete")
    assert request.body == {"experiment_id": "7", "name": "length", "version": 1}


def test_built_in_judges_are_read_as_mlflow_reads_them(assay: str) -> None:
    from mlflow.genai.scorers import Guidelines

    Guidelines(name="english", guidelines="The answer is in English.", model="openai:/gpt-4o-mini").register()

    assert type(get_scorer(name="english")) is Guidelines


@pytest.mark.skipif(MLFLOW_VERSION < (3, 16), reason="ensembles came with 3.15.2")
def test_functions_within_an_ensemble_register_and_read_back(fake: Recorder) -> None:
    from mlflow.genai.scorers import make_scorer_ensemble

    @scorer
    def is_short(outputs) -> bool:
        return len(outputs) < 10

    @scorer
    def is_long(outputs) -> bool:
        return len(outputs) > 100

    make_scorer_ensemble(name="odd", scorers=[is_short, is_long], ensemble_fn="agg_any").register()

    assert get_scorer(name="odd").run(outputs="abc").value is not None
