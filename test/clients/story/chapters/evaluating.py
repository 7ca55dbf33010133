"""mlflow.genai.evaluate with the server as tracking server: the same scorers in development as in production."""

from __future__ import annotations

import mlflow

from .. import app
from ..checks import Chapter, contains, equal, eventually
from ..telling import Telling

chapter = Chapter("evaluating")
rows = [
    {"inputs": {"question": "capital of France?"}, "outputs": "Paris", "expectations": {"expected_response": "Paris"}},
    {"inputs": {"question": "capital of Italy?"}, "outputs": "Lyon", "expectations": {"expected_response": "Rome"}},
]


@chapter.check("rows of data leave their run, metrics, traces and assessments on the server", full=True)
def _(story: Telling):
    experiment_id = story.enter("evaluating")
    result = mlflow.genai.evaluate(data=rows, scorers=our_scorers(story))
    run = mlflow.get_run(result.run_id)
    equal(run.data.metrics["exact/mean"], 0.5, "metric exact/mean")
    equal(run.data.metrics["letters/mean"], 4.5, "metric letters/mean")
    equal((run.info.status, run.info.experiment_id), ("FINISHED", experiment_id))
    traces = eventually(lambda: two_of(result.run_id), seconds=15)
    scores = sorted((values(trace)["exact"], values(trace)["letters"], values(trace)["expected_response"]) for trace in traces)
    equal(scores, [(False, 4, "Rome"), (True, 5, "Paris")])


@chapter.check("a function is evaluated and its traces belong to the run", full=True)
def _(story: Telling):
    story.enter("evaluating")

    def predict(question: str) -> str:
        return "Paris" if "France" in question else "Rome"

    data = [{"inputs": row["inputs"], "expectations": row["expectations"]} for row in rows]
    result = mlflow.genai.evaluate(data=data, predict_fn=predict, scorers=our_scorers(story))
    equal(result.metrics["exact/mean"], 1.0)
    for trace in eventually(lambda: two_of(result.run_id), seconds=15):
        equal(trace.info.trace_metadata["mlflow.sourceRun"], result.run_id)
        contains(str(trace.data.spans[0].outputs), "R" if "Italy" in str(trace.data.spans[0].inputs) else "P")


@chapter.check("traces found by a search are evaluated, and keep the feedback", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import scorer

    experiment_id = story.enter("evaluating traces")
    told = [app.ask("capital of France?"), app.fail("1/0?")]
    app.flush()

    def both():
        found = mlflow.search_traces(experiment_ids=[experiment_id])
        equal(len(found), 2)
        return [found]

    [found] = eventually(both, seconds=15)

    @scorer
    def retrieved(trace) -> int:
        return len(trace.search_spans(span_type="RETRIEVER"))

    result = mlflow.genai.evaluate(data=found, scorers=[retrieved])
    equal(result.metrics["retrieved/mean"], 0.5)
    equal(mlflow.get_run(result.run_id).data.metrics["retrieved/mean"], 0.5)
    scores = [values(mlflow.get_trace(trace.trace_id)).get("retrieved") for trace in told]
    equal(scores, [1, 0], "feedback on the traces themselves")
    linked = mlflow.search_traces(run_id=result.run_id, return_type="list", experiment_ids=[experiment_id])
    equal(sorted(trace.info.trace_id for trace in linked), sorted(trace.trace_id for trace in told), "traces of the run")


@chapter.check("heuristics of the client evaluate as they are", since=(3, 14), full=True)
def _(story: Telling):
    from mlflow.genai.scorers import PIIDetection, RegexMatch, ResponseLength

    story.enter("evaluating")
    scorers = [RegexMatch(name="paris", pattern="Paris"), PIIDetection(), ResponseLength(max_length=10)]
    result = mlflow.genai.evaluate(data=rows, scorers=scorers)
    metrics = mlflow.get_run(result.run_id).data.metrics
    equal({name: metrics[f"{name}/mean"] for name in ("paris", "pii_detection", "response_length")},
          {"paris": 0.5, "pii_detection": 1.0, "response_length": 1.0})


@chapter.check("a scorer that raises is an error of that scorer, not of the evaluation", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import scorer

    story.enter("evaluating")

    @scorer
    def broken(outputs) -> bool:
        raise RuntimeError("on purpose")

    result = mlflow.genai.evaluate(data=rows[:1], scorers=[broken, *our_scorers(story)])
    [trace] = eventually(lambda: mlflow.search_traces(run_id=result.run_id, return_type="list"), seconds=15)
    [feedback] = [a for a in trace.info.assessments if a.name == "broken"]
    equal(feedback.value, None)
    contains(str(feedback.error), "on purpose")


def our_scorers(story: Telling):
    from mlflow.genai.scorers import scorer

    @scorer
    def exact(outputs, expectations) -> bool:
        return outputs == expectations["expected_response"]

    @scorer
    def letters(outputs) -> int:
        return len(outputs)

    return [exact, letters]


def two_of(run_id: str):
    found = mlflow.search_traces(run_id=run_id, return_type="list")
    equal(len(found), 2, "traces of the run")
    return found


def values(trace) -> dict:
    return {assessment.name: assessment.value for assessment in trace.info.assessments}
