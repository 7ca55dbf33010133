"""The server scores what arrives; the client reads the scores back."""

from __future__ import annotations

import json

import mlflow
import requests

from .. import app
from ..checks import Chapter, equal, eventually
from ..telling import Telling

chapter = Chapter("live scoring")


@chapter.check("a heuristic that was started scores the traces that arrive, and its feedback is read back")
def _(story: Telling):
    experiment_id = story.enter("live")
    start_regex(story, experiment_id)
    right, wrong = app.ask("capital of France?"), app.by_hand("by hand", question="capital of France?")
    app.flush()

    def scored(told: app.Told):
        found = mlflow.get_trace(told.trace_id).info.assessments
        return [assessment for assessment in found if assessment.name == "names_paris"]

    [feedback] = eventually(lambda: scored(right), seconds=60, what="the score")
    equal(as_yes_or_no(feedback.value), "yes", f"value of {feedback}")
    [feedback] = eventually(lambda: scored(wrong), seconds=60, what="the score of the wrong one")
    equal(as_yes_or_no(feedback.value), "no", f"value of {feedback}")
    equal(feedback.source.source_type, "CODE")
    found = mlflow.search_traces(
        experiment_ids=[experiment_id], filter_string=f"feedback.names_paris = '{stored(right, scored)}'", return_type="list"
    )
    equal([trace.info.trace_id for trace in found], [right.trace_id], "found by its score")


def stored(told: app.Told, scored) -> str:
    value = scored(told)[0].value
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_yes_or_no(value) -> str:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else str(getattr(value, "value", value))


def start_regex(story: Telling, experiment_id: str) -> None:
    if story.version >= (3, 14) and not story.is_tracing_only:
        from mlflow.genai.scorers import RegexMatch, ScorerSamplingConfig

        RegexMatch(name="names_paris", pattern="Paris").register().start(sampling_config=ScorerSamplingConfig(sample_rate=1.0))
        return
    # Before 3.14 clients have no scorer that needs no model: Assay's own kind, by REST.
    serialized = {
        "name": "names_paris",
        "serialization_version": 1,
        "assay_heuristic": {"type": "regex", "pattern": "Paris"},
    }
    call(story, "POST", "register", serialized_scorer=json.dumps(serialized), experiment_id=experiment_id, name="names_paris")
    call(story, "PUT", "online-config", experiment_id=experiment_id, name="names_paris", sample_rate=1.0)


def call(story: Telling, method: str, path: str, **body) -> None:
    headers = {"Authorization": f"Bearer {story.key}"}
    answer = requests.request(method, f"{story.url}/api/3.0/mlflow/scorers/{path}", json=body, headers=headers, timeout=30)
    equal(answer.status_code, 200, answer.text)
