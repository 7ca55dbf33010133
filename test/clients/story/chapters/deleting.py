from __future__ import annotations

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, raises
from ..telling import Telling
from .searching import tracing_client

chapter = Chapter("deleting")


@chapter.check("deleted traces are gone, and deleting them again deletes nothing")
def _(story: Telling):
    experiment_id = story.enter("deleting")
    told = [app.by_hand(f"trace {n}") for n in range(3)]
    app.flush()
    eventually(lambda: len(found(experiment_id)) == 3, seconds=10, what="three traces")
    client = tracing_client()
    ids = [trace.trace_id for trace in told]
    equal(client.delete_traces(experiment_id, trace_ids=ids[:2]), 2)
    equal(found(experiment_id), [ids[2]])
    equal(mlflow.get_trace(ids[0]), None)
    equal(client.delete_traces(experiment_id, trace_ids=ids[:2]), 0)


@chapter.check("traces are deleted by their time, a number at once")
def _(story: Telling):
    experiment_id = story.enter("deleting by time")
    told = [app.by_hand(f"trace {n}") for n in range(4)]
    app.flush()
    eventually(lambda: len(found(experiment_id)) == 4, seconds=10, what="four traces")
    client = tracing_client()
    until = told[-1].spans[0].start_time_ns // 1_000_000 + 1_000
    equal(client.delete_traces(experiment_id, max_timestamp_millis=until, max_traces=3), 3)
    equal(len(found(experiment_id)), 1)
    equal(client.delete_traces(experiment_id, max_timestamp_millis=until), 1)
    raises(lambda: client.delete_traces(experiment_id))


def found(experiment_id: str) -> list[str]:
    traces = mlflow.search_traces(experiment_ids=[experiment_id], return_type="list", include_spans=False)
    return [trace.info.trace_id for trace in traces]
