"""Where the server is not Assay, MLflow does what it does without this package."""

from __future__ import annotations

import mlflow
import pytest
from conftest import MLFLOW_VERSION
from fake_assay import SCORERS
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import delete_scorer, list_scorers, scorer
from recorder import Recorder

import assay_mlflow


@scorer
def is_polite(outputs) -> bool:
    return "please" in outputs


def test_the_whole_scorer_is_not_deleted_by_omission(other_server: Recorder) -> None:
    with pytest.raises(MlflowException, match="You must set `version` argument"):
        delete_scorer(name="is_polite")
    assert other_server.asked(f"DELETE {SCORERS}/delete") == []


def test_functions_are_not_loaded(other_server: Recorder) -> None:
    is_polite.register()
    assert other_server.asked(f"POST {SCORERS}/register")

    with pytest.raises(MlflowException, match=r"Custom scorer|custom scorer"):
        list_scorers()


def test_databricks_is_left_alone() -> None:
    from mlflow.tracking.request_header.registry import resolve_request_headers

    mlflow.set_tracking_uri("databricks")
    assert "X-Assay-MLflow" not in resolve_request_headers()
    with pytest.raises(MlflowException, match="use the databricks-agents package there"):
        assay_mlflow.backfill_scorers(scorers=["is_polite"])
    assert (
        type(mlflow.genai.scorers.registry._scorer_store_registry.get_store_builder("databricks")).__name__ == "ABCMeta"
    )


@pytest.mark.skipif(MLFLOW_VERSION >= (3, 17), reason="from 3.17 on MLflow has an opt-in for this")
def test_functions_are_refused_without_a_server(tmp_path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")

    with pytest.raises(MlflowException, match="Custom scorer"):
        is_polite.register()


def test_calls_for_assay_say_that_the_server_is_not_it(other_server: Recorder) -> None:
    for call in (
        lambda: assay_mlflow.backfill_scorers(scorers=["is_polite"]),
        lambda: assay_mlflow.enable_databricks_trace_archival(delta_table_fullname="a.b.c"),
        lambda: assay_mlflow.assess([], ["is_polite"]),
    ):
        with pytest.raises(MlflowException, match="is no server of Assay, or does not answer"):
            call()


def test_a_server_that_does_not_answer_is_asked_again(fake: Recorder) -> None:
    served = fake.routes.pop("GET /api/3.0/mlflow/server-info")
    fake.answer("GET /api/3.0/mlflow/server-info", {"error_code": "TEMPORARILY_UNAVAILABLE", "message": ""}, status=503)
    with pytest.raises(MlflowException, match="does not answer"):
        assay_mlflow.backfill_scorers(scorers=["is_polite"])

    fake.routes["GET /api/3.0/mlflow/server-info"] = served

    with pytest.raises(ValueError, match="not found in experiment"):
        assay_mlflow.backfill_scorers(scorers=["is_polite"])
