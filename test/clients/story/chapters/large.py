"""Traces that do not fit into one answer of the server."""

from __future__ import annotations

import os
import time

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, note
from ..telling import Telling

chapter = Chapter("large")


def text(n: int) -> str:
    """3 MB that compress to a tenth, as texts do: the same as in large-traces.ts."""
    return f"{n} the quick brown fox {n * 7919} jumps over " * 75_000


@chapter.check("a trace of 3 MB comes back whole, right after it is flushed")
def _(story: Telling):
    story.enter("large")
    sent = text(10)
    with mlflow.start_span("large") as span:
        span.set_inputs({"n": 10})
        span.set_outputs(sent)
    app.flush()
    equal(mlflow.get_trace(span.trace_id).data.spans[0].outputs == sent, True, "the text is as sent")


@chapter.check("ten traces of 3 MB come back whole from one search")
def _(story: Telling):
    experiment_id = os.environ.get("STORY_LARGE_TRACES")
    if experiment_id is None:
        return
    began = time.monotonic()
    found = mlflow.search_traces(experiment_ids=[experiment_id], return_type="list", max_results=10)
    note(f"ten traces of 3 MB read in {time.monotonic() - began:.1f} s")
    roots = [trace.data.spans[0] for trace in found]
    equal(sorted(root.get_attribute("n") for root in roots), list(range(10)))
    for root in roots:
        n = root.get_attribute("n")
        equal(root.get_attribute("text") == text(n), True, f"the text of trace {n} is as sent")


@chapter.check("a trace of 33,000 spans comes back whole")
def _(story: Telling):
    trace_id = os.environ.get("STORY_LONG_TRACE")
    if trace_id is None:
        return
    began = time.monotonic()
    trace = eventually(lambda: mlflow.get_trace(trace_id), seconds=30, what="the trace")
    note(f"33,000 spans read in {time.monotonic() - began:.1f} s")
    spans = trace.data.spans
    equal(len({span.span_id for span in spans}), 33_000)
    root = [span for span in spans if span.parent_id is None]
    equal(len(root), 1, "roots")
    equal({span.parent_id for span in spans if span.parent_id is not None}, {root[0].span_id})
    equal(sorted(span.get_attribute("n") for span in spans if span.parent_id is not None), list(range(1, 33_000)))
