from __future__ import annotations

import inspect
import logging

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracing import archival
from recorder import Recorder

import assay_mlflow
from assay_mlflow import disable_databricks_trace_archival, enable_databricks_trace_archival

SET = "POST /api/2.0/mlflow/experiments/set-experiment-tag"
DELETE = "POST /api/2.0/mlflow/experiments/delete-experiment-tag"


@pytest.mark.parametrize("name", ["enable_databricks_trace_archival", "disable_databricks_trace_archival"])
def test_has_mlflows_signature(name: str) -> None:
    ours, theirs = inspect.signature(getattr(assay_mlflow, name)), inspect.signature(getattr(archival, name))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


def test_notes_the_name_and_says_where_sql_runs(fake: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "assay_mlflow"):
        enable_databricks_trace_archival(delta_table_fullname="prod.genai.traces")

    (request,) = fake.asked(SET)
    assert request.body == {"experiment_id": "7", "key": "assay.archiveTable", "value": "prod.genai.traces"}
    assert "query it in Athena" in caplog.text


def test_doing_it_again_writes_nothing(fake: Recorder) -> None:
    for _ in range(2):
        enable_databricks_trace_archival(delta_table_fullname="prod.genai.traces", experiment_id="7")
    assert len(fake.asked(SET)) == 1


def test_disabling_removes_the_name_if_there_is_one(fake: Recorder) -> None:
    enable_databricks_trace_archival(delta_table_fullname="prod.genai.traces")
    for _ in range(2):
        disable_databricks_trace_archival()
    assert [request.body["key"] for request in fake.asked(DELETE)] == ["assay.archiveTable"]


@pytest.mark.parametrize("name", ["traces", "genai.traces", "a.b.c.d", "a..c", "a.b.c d"])
def test_a_name_without_three_parts_is_refused(fake: Recorder, name: str) -> None:
    with pytest.raises(ValueError, match=r"catalog\.schema\.table"):
        enable_databricks_trace_archival(delta_table_fullname=name)


def test_an_experiment_that_is_not_there_is_refused(fake: Recorder) -> None:
    with pytest.raises(MlflowException, match="No Experiment with id=8 exists"):
        enable_databricks_trace_archival(delta_table_fullname="a.b.c", experiment_id="8")
    assert fake.asked(SET) == []


def test_against_a_running_assay(assay: str) -> None:
    try:
        enable_databricks_trace_archival(delta_table_fullname="prod.genai.traces")
    except MlflowException as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
        pytest.skip("this Assay does not set tags of experiments")
    assert mlflow.get_experiment(assay).tags["assay.archiveTable"] == "prod.genai.traces"

    disable_databricks_trace_archival()

    assert "assay.archiveTable" not in mlflow.get_experiment(assay).tags
