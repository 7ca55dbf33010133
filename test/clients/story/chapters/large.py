"""Traces that do not fit into one answer of the server."""

from __future__ import annotations

import os
import time

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, note
from ..telling import Telling

chapter = Chapter("large")
megabyte = 1 << 20


@chapter.check("ten traces of 3 MB come back whole from one search")
def _(story: Telling):
    experiment_id = story.enter("large")
    # Compressible to a tenth, as texts are, and different in each.
    texts = [f"{n} the quick brown fox {n * 7919} jumps over " * (3 * megabyte // 42) for n in range(10)]
    for n, text in enumerate(texts):
        with mlflow.start_span(f"large {n}") as span:
            span.set_inputs({"n": n})
            span.set_outputs(text)
        # Clients from 3.12 send five spans in one request: more than a function of AWS can be called with.
        app.flush()

    def whole():
        began = time.monotonic()
        found = mlflow.search_traces(experiment_ids=[experiment_id], return_type="list", max_results=10)
        equal(sorted(len(trace.data.spans[0].outputs) for trace in found), sorted(map(len, texts)))
        for trace in found:
            root = trace.data.spans[0]
            equal(root.outputs == texts[root.inputs["n"]], True, f"text of trace {root.inputs['n']} is as sent")
        note(f"ten traces of 3 MB read in {time.monotonic() - began:.1f} s")
        return True

    eventually(whole, seconds=30)


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
