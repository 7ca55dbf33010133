from __future__ import annotations

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, raises
from ..telling import Telling

chapter = Chapter("runs")


@chapter.check("a run keeps its metrics, parameters and tags", full=True)
def _(story: Telling):
    story.enter("runs")
    with mlflow.start_run(run_name="nightly", tags={"team": "search"}) as run:
        story.kept["run"] = run.info.run_id
        mlflow.log_params({"k": 5, "model": "m"})
        mlflow.log_metric("score", 0.25, step=1)
        mlflow.log_metrics({"score": 0.5, "latency": 12.0}, step=2)
        mlflow.set_tag("stage", "test")
    kept = mlflow.get_run(run.info.run_id)
    equal((kept.info.run_name, kept.info.status, kept.data.tags["team"], kept.data.tags["stage"]), ("nightly", "FINISHED", "search", "test"))
    equal(kept.data.params, {"k": "5", "model": "m"})
    equal(kept.data.metrics, {"score": 0.5, "latency": 12.0})


@chapter.check("traces inside a run, and those linked to it, are found by it", full=True)
def _(story: Telling):
    story.enter("runs")
    outside = story.told["outside"] = app.ask("outside of the run?")
    app.flush()
    with mlflow.start_run() as run:
        inside = story.told["inside"] = app.ask("inside of the run?")
        app.flush()
    mlflow.MlflowClient().link_traces_to_run([outside.trace_id], run.info.run_id)
    wanted = sorted([inside.trace_id, outside.trace_id])

    def both():
        found = mlflow.search_traces(run_id=run.info.run_id, return_type="list")
        equal(sorted(trace.info.trace_id for trace in found), wanted)
        return True

    eventually(both, seconds=10)
    equal(mlflow.get_trace(inside.trace_id).info.trace_metadata["mlflow.sourceRun"], run.info.run_id)


@chapter.check("a failed run says so, and an unknown one is not found", full=True)
def _(story: Telling):
    story.enter("runs")
    try:
        with mlflow.start_run() as run:
            raise KeyError("on purpose")
    except KeyError:
        pass
    equal(mlflow.get_run(run.info.run_id).info.status, "FAILED")
    raises(lambda: mlflow.get_run("0" * 32), code="RESOURCE_DOES_NOT_EXIST")
