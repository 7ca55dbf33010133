from __future__ import annotations

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback

from ..checks import Chapter, contains, equal, raises
from ..telling import Telling
from .searching import tell

chapter = Chapter("feedback")
human = AssessmentSource(source_type="HUMAN", source_id="ada@example.com")


@chapter.check("people's feedback reaches the trace of their request")
def _(story: Telling):
    tell(story)
    [found] = story.search(f"client_request_id = 'request-paris-{story.run}'", include_spans=False)
    made = mlflow.log_feedback(
        trace_id=found.info.trace_id, name="helpful", value=True, source=human, rationale="it was", metadata={"page": "chat"}
    )
    contains(made.assessment_id, "a-", "id")
    [kept] = named(story, "helpful")
    equal((kept.value, kept.rationale, kept.metadata["page"]), (True, "it was", "chat"))
    equal((kept.source.source_type, kept.source.source_id), ("HUMAN", "ada@example.com"))
    equal(kept.assessment_id, made.assessment_id)


@chapter.check("values of every type come back as they were sent")
def _(story: Telling):
    tell(story)
    trace_id = story.told["paris"].trace_id
    values = {"number": 0.75, "text": "good 👍", "flag": False, "list": ["a", "b"], "dict": {"x": 1.5, "ok": True}}
    for name, value in values.items():
        mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=human)
    for name, value in values.items():
        equal([assessment.value for assessment in named(story, name)], [value], name)
    expected = {"expected_response": "Paris", "expected_facts": ["capital", "France"], "rows": {"a": [1, {"b": None}]}}
    for name, value in expected.items():
        mlflow.log_expectation(trace_id=trace_id, name=name, value=value, source=human)
    for name, value in expected.items():
        equal([assessment.value for assessment in named(story, name)], [value], name)


@chapter.check("an error is feedback without a score")
def _(story: Telling):
    tell(story)
    error = AssessmentError(error_code="JUDGE_FAILED", error_message="no answer", stack_trace="line 1")
    mlflow.log_feedback(trace_id=story.told["paris"].trace_id, name="judged", error=error)
    [kept] = named(story, "judged")
    equal((kept.value, kept.error.error_code, kept.error.error_message), (None, "JUDGE_FAILED", "no answer"))


@chapter.check("feedback on one span names the span")
def _(story: Telling):
    tell(story)
    span = story.told["paris"].spans[1]
    mlflow.log_feedback(trace_id=story.told["paris"].trace_id, name="relevant", value="yes", span_id=span.span_id)
    equal([assessment.span_id for assessment in named(story, "relevant")], [span.span_id])


@chapter.check("feedback is changed, and what was not mentioned stays")
def _(story: Telling):
    tell(story)
    trace_id = story.told["paris"].trace_id
    made = mlflow.log_feedback(trace_id=trace_id, name="draft", value=1, source=human, rationale="first", metadata={"a": "1"})
    mlflow.update_assessment(trace_id, made.assessment_id, Feedback(name="draft", value=2, metadata={"b": "2"}))
    kept = mlflow.get_assessment(trace_id, made.assessment_id)
    equal((kept.value, kept.rationale), (2, "first"))
    equal({key: kept.metadata.get(key) for key in "ab"}, {"a": "1", "b": "2"}, "metadata")
    equal(kept.source.source_id, "ada@example.com")
    expectation = mlflow.log_expectation(trace_id=trace_id, name="wanted", value="x")
    mlflow.update_assessment(trace_id, expectation.assessment_id, Expectation(name="wanted", value=["y"]))
    equal(mlflow.get_assessment(trace_id, expectation.assessment_id).value, ["y"])


@chapter.check("overridden feedback is kept as no longer valid, and comes back when the override goes")
def _(story: Telling):
    tell(story)
    trace_id = story.told["paris"].trace_id
    first = mlflow.log_feedback(trace_id=trace_id, name="verdict", value="no")
    second = mlflow.override_feedback(trace_id=trace_id, assessment_id=first.assessment_id, value="yes", rationale="looked again")
    equal(second.overrides, first.assessment_id)
    equal(mlflow.get_assessment(trace_id, first.assessment_id).valid, False, "the old one is valid")
    equal([a.value for a in named(story, "verdict") if a.valid is not False], ["yes"])
    mlflow.delete_assessment(trace_id, second.assessment_id)
    equal(mlflow.get_assessment(trace_id, first.assessment_id).valid, True, "the old one is valid again")


@chapter.check("deleted feedback is gone, and deleting it again is no error")
def _(story: Telling):
    tell(story)
    trace_id = story.told["paris"].trace_id
    made = mlflow.log_feedback(trace_id=trace_id, name="mistake", value=1)
    mlflow.delete_assessment(trace_id, made.assessment_id)
    mlflow.delete_assessment(trace_id, made.assessment_id)
    equal(named(story, "mistake"), [])
    raises(lambda: mlflow.get_assessment(trace_id, made.assessment_id), code="RESOURCE_DOES_NOT_EXIST")


@chapter.check("traces are found by their feedback and expectations")
def _(story: Telling):
    tell(story)
    if not named(story, "helpful"):
        return
    equal(story.names("feedback.helpful = 'true'"), ["paris"], "boolean")
    equal(story.names("feedback.text LIKE '%good%'"), ["paris"], "text")
    equal(story.names("expectation.expected_response = 'Paris'"), ["paris"], "expectation")
    equal(story.names("feedback.helpful = 'false'"), [])
    equal(story.names("feedback.number > 0.5"), ["paris"], "a number")
    equal(story.names("feedback.number > 0.8"), [])


@chapter.check("feedback on a trace that is not there is refused")
def _(story: Telling):
    missing = "tr-" + "0" * 31 + "2"
    raises(lambda: mlflow.log_feedback(trace_id=missing, name="x", value=1), code="RESOURCE_DOES_NOT_EXIST", text=missing)


def named(story: Telling, name: str):
    assessments = mlflow.get_trace(story.told["paris"].trace_id).info.assessments
    return [assessment for assessment in assessments if assessment.name == name]
