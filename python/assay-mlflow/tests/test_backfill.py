from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone

import pytest
from a_scorer import is_polite
from mlflow.exceptions import MlflowException, RestException
from mlflow.genai.scorers import Scorer, get_scorer
from recorder import Recorder

from assay_mlflow import BackfillScorerConfig, backfill_scorers

ROUTE = "POST /api/1.0/assay/backfills"
JUNE = datetime(2026, 6, 1, tzinfo=timezone.utc)
JULY = datetime(2026, 7, 1, tzinfo=timezone.utc)


@pytest.fixture
def served(fake: Recorder) -> Recorder:
    is_polite.register()
    fake.answer(ROUTE, {"backfill_id": "bf-1"})
    fake.requests.clear()
    return fake


def body_of(served: Recorder) -> dict[str, object]:
    (request,) = served.asked(ROUTE)
    return request.body


def test_has_the_signature_of_databricks_agents() -> None:
    parameters = inspect.signature(backfill_scorers).parameters
    assert list(parameters) == ["experiment_id", "scorers", "start_time", "end_time"]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert list(inspect.signature(BackfillScorerConfig).parameters) == ["scorer", "sample_rate"]


def test_names_are_sent_without_rates(served: Recorder) -> None:
    assert backfill_scorers(scorers=["is_polite"], start_time=JUNE, end_time=JULY) == "bf-1"
    assert body_of(served) == {
        "experiment_id": "7",
        "scorers": [{"name": "is_polite"}],
        "start_time": "2026-06-01T00:00:00.000Z",
        "end_time": "2026-07-01T00:00:00.000Z",
    }


def test_configurations_are_sent_with_their_rate_and_what_is_known_of_the_version(served: Recorder) -> None:
    backfill_scorers(
        scorers=[BackfillScorerConfig(scorer=get_scorer(name="is_polite"), sample_rate=0.8)], start_time=JUNE
    )

    body = body_of(served)
    version = {"version": 1} if hasattr(Scorer, "scorer_version") else {}
    assert body["scorers"] == [{"name": "is_polite", "sample_rate": 0.8, **version}]
    assert "end_time" not in body


def test_an_experiment_is_taken_where_it_is_given(served: Recorder) -> None:
    backfill_scorers(experiment_id="8", scorers=["is_polite"])
    assert body_of(served)["experiment_id"] == "8"


def test_the_last_seven_days_by_default(served: Recorder) -> None:
    backfill_scorers(scorers=["is_polite"])

    body = body_of(served)
    start = datetime.fromisoformat(str(body["start_time"]).replace("Z", "+00:00"))
    assert abs(datetime.now(timezone.utc) - timedelta(days=7) - start) < timedelta(minutes=1)
    assert "end_time" not in body


def test_times_without_zone_are_local(served: Recorder) -> None:
    local = datetime(2026, 6, 1, 12)
    backfill_scorers(scorers=["is_polite"], start_time=local)
    assert body_of(served)["start_time"] == local.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("scorers", [[], "is_polite", [1], ["is_polite", BackfillScorerConfig(is_polite)]])
def test_anything_else_than_names_or_configurations_is_refused(served: Recorder, scorers: object) -> None:
    message = r"scorers must be either a list of strings \(scorer names\) or a list of BackfillScorer objects"
    with pytest.raises(ValueError, match=message):
        backfill_scorers(scorers=scorers)  # type: ignore[arg-type]
    assert served.asked(ROUTE) == []


@pytest.mark.parametrize("rate", [-0.1, 1.1, True, "half", float("nan")])
def test_a_rate_that_is_none_is_refused(served: Recorder, rate: object) -> None:
    with pytest.raises(ValueError, match=r"sample_rate of scorer 'is_polite' must be between 0.0 and 1.0"):
        backfill_scorers(scorers=[BackfillScorerConfig(is_polite, rate)])  # type: ignore[arg-type]


def test_a_range_that_is_none_is_refused(served: Recorder) -> None:
    with pytest.raises(ValueError, match="start_time must be before end_time"):
        backfill_scorers(scorers=["is_polite"], start_time=JULY, end_time=JUNE)


def test_an_unknown_scorer_is_refused_with_those_that_are_known(served: Recorder) -> None:
    message = r"Scheduled scorer 'rude' not found in experiment '7'. Available scorers: \['is_polite'\]"
    with pytest.raises(ValueError, match=message):
        backfill_scorers(scorers=["is_polite", "rude"])
    assert served.asked(ROUTE) == []


def test_a_scorer_that_lists_leave_out_can_be_backfilled(served: Recorder) -> None:
    served.answer("GET /api/3.0/mlflow/scorers/list", {"scorers": []})
    assert backfill_scorers(scorers=["is_polite"]) == "bf-1"


def test_a_refusal_of_the_server_is_told(served: Recorder) -> None:
    served.answer(ROUTE, {"error_code": "RESOURCE_CONFLICT", "message": "backfill bf-0 is running"}, status=409)
    with pytest.raises(RestException, match="backfill bf-0 is running"):
        backfill_scorers(scorers=["is_polite"])


def test_a_failure_of_the_server_is_not_tried_again(served: Recorder) -> None:
    served.answer(ROUTE, {"error_code": "INTERNAL_ERROR", "message": "it broke"}, status=500)
    with pytest.raises(MlflowException, match="it broke"):
        backfill_scorers(scorers=["is_polite"])
    assert len(served.asked(ROUTE)) == 1


def test_a_server_without_backfill_says_so(fake: Recorder) -> None:
    is_polite.register()
    with pytest.raises(MlflowException, match="this version of Assay has no backfill") as raised:
        backfill_scorers(scorers=["is_polite"])
    assert raised.value.error_code == "ENDPOINT_NOT_FOUND"


def test_a_running_assay_starts_what_the_package_asks_for_and_refuses_what_has_no_rate(assay: str) -> None:
    registered = is_polite.register()
    times = {"start_time": datetime.now(timezone.utc) - timedelta(days=60)}
    with pytest.raises(MlflowException, match="scorer 'is_polite' is not started, so it has no sampling rate of its own"):
        backfill_scorers(scorers=["is_polite"], **times)
    first = backfill_scorers(scorers=[BackfillScorerConfig(registered, sample_rate=0.8)], **times)
    assert isinstance(first, str) and first
    with pytest.raises(MlflowException, match="must be before|is in the future"):
        backfill_scorers(
            scorers=[BackfillScorerConfig(registered, sample_rate=0.8)],
            start_time=datetime.now(timezone.utc) + timedelta(days=1),
        )
