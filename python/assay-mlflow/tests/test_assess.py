from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import mlflow
import pytest
from conftest import MLFLOW_VERSION
from mlflow.entities import AssessmentSource, Feedback, Trace
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import Scorer, scorer
from recorder import Answer, Recorder, Request
from send_trace import send_trace

from assay_mlflow import assess


@scorer
def length(outputs):
    return len(outputs["answer"])


@scorer
def raises(inputs):
    raise RuntimeError(f"cannot judge {inputs['question']}")


@scorer
def not_a_number(outputs):
    return float("nan")


@scorer
def says_nothing(outputs):
    return None


@scorer
def two_views(inputs, outputs):
    judge = AssessmentSource(source_type="LLM_JUDGE", source_id="openai:/gpt-4o-mini")
    return [
        Feedback(name="tone", value="kind", rationale="says please", source=judge),
        Feedback(name="echo", value=inputs["question"] in outputs["answer"], metadata={"checked": "yes"}),
    ]


class Turns(Scorer):
    """Judges conversations; a class, which MLflow registers nowhere, but which runs here."""

    name: str = "turns"

    @property
    def is_session_level_scorer(self) -> bool:
        return True

    def __call__(self, *, session) -> int:
        return len(session)


def asked(experiment_id: str, question: str = "how?", session: str | None = None) -> str:
    return send_trace(
        experiment_id, inputs={"question": question}, outputs={"answer": f"so: {question}"}, session=session
    )


def on(trace_id: str) -> dict[str, Any]:
    return {assessment.name: assessment for assessment in mlflow.get_trace(trace_id).info.assessments}


def test_scores_stand_on_the_trace_with_their_scorer(assay: str) -> None:
    trace_id = asked(assay)

    (outcome,) = assess(trace_id, length)

    assert (outcome.trace_id, outcome.scorer, outcome.failed) == (trace_id, "length", False)
    assert outcome.feedbacks[0].assessment_id.startswith("a-")
    found = on(trace_id)["length"]
    assert (found.value, found.source.source_type, found.source.source_id) == (8, "CODE", "length")
    assert found.metadata["mlflow.assessment.scorerName"] == "length"
    assert found.metadata["assay.onDemand"] == "client"
    assert "assay.sampleRate" not in found.metadata


def test_feedbacks_keep_their_names_sources_rationales_and_metadata(assay: str) -> None:
    trace_id = asked(assay)

    assess(mlflow.get_trace(trace_id), two_views)

    tone, echo = on(trace_id)["tone"], on(trace_id)["echo"]
    assert (tone.value, tone.rationale, tone.source.source_type) == ("kind", "says please", "LLM_JUDGE")
    assert (echo.value, echo.metadata["checked"]) == (True, "yes")


def test_a_failure_is_an_error_and_never_a_score(assay: str) -> None:
    trace_id = asked(assay)

    failed, nan, silent = assess(trace_id, [raises, not_a_number, says_nothing])

    assert (failed.failed, nan.failed, silent.failed, silent.feedbacks) == (True, True, False, [])
    found = on(trace_id)
    assert set(found) == {"raises", "not_a_number"}
    assert found["raises"].value is None
    assert (found["raises"].error.error_code, found["raises"].error.error_message) == (
        "SCORER_ERROR",
        "cannot judge how?",
    )
    assert found["not_a_number"].value is None


def test_registered_scorers_are_taken_by_name(assay: str) -> None:
    length.register(name="registered_length")
    trace_id = asked(assay)

    (outcome,) = assess([trace_id], ["registered_length"])

    assert outcome.feedbacks[0].value == 8
    assert on(trace_id)["registered_length"].value == 8


def test_a_data_frame_of_traces_is_assessed_in_its_order(assay: str) -> None:
    ids = [asked(assay, "first?"), asked(assay, "second one?")]
    frame = (
        mlflow.search_traces(locations=[assay]) if _has_locations() else mlflow.search_traces(experiment_ids=[assay])
    )

    outcomes = assess(frame, [length])

    assert [outcome.trace_id for outcome in outcomes] == list(frame["trace_id"])
    assert {outcome.trace_id: outcome.feedbacks[0].value for outcome in outcomes} == {ids[0]: 10, ids[1]: 15}


def test_traces_that_were_searched_without_spans_are_fetched(assay: str) -> None:
    trace_id = asked(assay)
    where = {"locations": [assay]} if _has_locations() else {"experiment_ids": [assay]}
    (bare,) = mlflow.search_traces(**where, include_spans=False, return_type="list")
    assert bare.data.spans == []

    (outcome,) = assess(bare, length)

    assert (outcome.trace_id, outcome.feedbacks[0].value) == (trace_id, 8)


def test_conversations_are_judged_as_a_whole(assay: str) -> None:
    session = f"session {uuid.uuid4()}"
    first, second, alone = asked(assay, "one?", session), asked(assay, "two?", session), asked(assay, "three?")

    outcomes = assess([second, alone, first], [length, Turns()])

    assert [(outcome.trace_id, outcome.scorer) for outcome in outcomes] == [
        (second, "length"),
        (alone, "length"),
        (first, "length"),
        (first, "turns"),
    ]
    assert (on(first)["turns"].value, on(first)["turns"].metadata["mlflow.trace.session"]) == (2, session)
    assert "turns" not in on(alone)


def test_expectations_of_people_reach_the_scorer(assay: str) -> None:
    @scorer
    def as_expected(outputs, expectations) -> bool:
        return outputs["answer"] == expectations["expected_answer"]

    trace_id = asked(assay)
    mlflow.log_expectation(trace_id=trace_id, name="expected_answer", value="so: how?")

    (outcome,) = assess(trace_id, as_expected)

    assert outcome.feedbacks[0].value is True


def test_nothing_is_logged_where_it_is_not_wanted(assay: str) -> None:
    trace_id = asked(assay)

    (outcome,) = assess(trace_id, length, log=False)

    assert outcome.feedbacks[0].value == 8
    assert on(trace_id) == {}


def test_what_is_not_there_is_refused(assay: str) -> None:
    with pytest.raises(MlflowException, match="Trace with ID 'tr-00000000000000000000000000000000' not found"):
        assess("tr-00000000000000000000000000000000", length)
    with pytest.raises(MlflowException, match="Scorer with name 'nobody' not found"):
        assess([], "nobody")


def test_what_is_no_trace_or_scorer_is_refused(fake: Recorder) -> None:
    with pytest.raises(ValueError, match="a trace is a Trace or the id of one, got int"):
        assess([1], length)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="a scorer is a Scorer or the name of a registered one, got function"):
        assess([], lambda: 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="names of scorers must differ"):
        assess([], [length, length])


@pytest.mark.skipif(MLFLOW_VERSION < (3, 18), reason="levels of sessions came with 3.18")
def test_levels_of_sessions_are_left_to_mlflow(fake: Recorder) -> None:
    @scorer(session_level="thread")
    def turns(session):
        return len(session)

    with pytest.raises(ValueError, match="scorer 'turns' has a session_level"):
        assess([], turns)


def test_running_it_again_overwrites(fake: Recorder) -> None:
    trace = _a_trace()
    stored = _serve_assessments(fake, trace.info.trace_id)
    answers = iter([3, 4])

    @scorer
    def changing(outputs):
        return [
            Feedback(name="x", value=next(answers), rationale="why"),
            Feedback(name="x", value=0),
            Feedback(name="y", value=1),
        ]

    assess(trace, [changing, length], max_workers=1)
    before = {found["assessment_id"] for found in stored}
    changing_again = scorer(lambda outputs: [Feedback(name="x", value=9)], name="changing")
    (outcome,) = assess(trace, changing_again)

    assert {found["assessment_id"] for found in stored} == before
    assert [(found["assessment_name"], found["feedback"]["value"], found.get("rationale")) for found in stored] == [
        ("x", 9.0, ""),
        ("x", 0.0, None),
        ("y", 1.0, None),
        ("length", 2.0, None),
    ]
    assert outcome.feedbacks[0].assessment_id == stored[0]["assessment_id"]


def test_running_it_again_overwrites_on_a_running_assay(assay: str) -> None:
    trace_id = asked(assay)
    assess(trace_id, length)
    try:
        assess(trace_id, length)
    except MlflowException as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
        pytest.skip("this Assay does not update assessments")
    assert [assessment.name for assessment in mlflow.get_trace(trace_id).info.assessments] == ["length"]


def _has_locations() -> bool:
    import inspect

    return "locations" in inspect.signature(mlflow.search_traces).parameters


def _a_trace() -> Any:
    """As `Trace.to_json()` writes it."""
    trace_id = f"tr-{uuid.uuid4().hex}"
    span = {
        "trace_id": base64.b64encode(bytes.fromhex(trace_id.removeprefix("tr-"))).decode(),
        "span_id": base64.b64encode(b"the root").decode(),
        "parent_span_id": None,
        "name": "answer",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {
            "mlflow.traceRequestId": json.dumps(trace_id),
            "mlflow.spanType": json.dumps("CHAIN"),
            "mlflow.spanInputs": json.dumps({"question": "?"}),
            "mlflow.spanOutputs": json.dumps({"answer": "42"}),
        },
    }
    return Trace.from_dict({"info": {"trace_id": trace_id, **_INFO}, "data": {"spans": [span]}})


_INFO = {
    "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "7"}},
    "request_time": "2026-06-01T00:00:00Z",
    "state": "OK",
    "trace_metadata": {"mlflow.trace_schema.version": "3"},
}


def _serve_assessments(fake: Recorder, trace_id: str) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = []

    def create(request: Request) -> Answer:
        assessment = {**request.body["assessment"], "assessment_id": f"a-{len(stored)}", "trace_id": trace_id}
        stored.append(assessment)
        return 200, {"assessment": assessment}

    def update(request: Request) -> Answer:
        found = next(one for one in stored if one["assessment_id"] == request.path.rsplit("/", 1)[1])
        found.update(
            {name: request.body["assessment"].get(name, "") for name in request.body["update_mask"].split(",")}
        )
        return 200, {"assessment": found}

    base = f"/api/3.0/mlflow/traces/{trace_id}"
    fake.routes[f"GET {base}"] = lambda _: (
        200,
        {"trace": {"trace_info": {"trace_id": trace_id, **_INFO, "assessments": stored}}},
    )
    fake.routes[f"POST {base}/assessments"] = create
    fake.routes[f"PATCH {base}/assessments/*"] = update
    return stored
