"""What dashboards ask: exact numbers over traces, spans and assessments."""

from __future__ import annotations

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, raises
from ..telling import Telling

chapter = Chapter("metrics")


@chapter.check("traces are counted and summed, by name and status", full=True)
def _(story: Telling):
    tell(story)
    equal(ask(story, "TRACES", "trace_count", "COUNT", dimensions=["trace_name"]), {("agent",): 3, ("failing agent",): 1})
    equal(ask(story, "TRACES", "trace_count", "COUNT", dimensions=["trace_status"]), {("OK",): 3, ("ERROR",): 1})
    equal(ask(story, "TRACES", "total_tokens", "SUM", dimensions=["trace_name"]), {("agent",): 45})
    equal(ask(story, "TRACES", "trace_count", "COUNT", filters=['trace.status = "ERROR"']), {(): 1})
    [latency] = ask(story, "TRACES", "latency", "AVG").values()
    equal(latency >= 0, True)


@chapter.check("spans and assessments are counted", full=True)
def _(story: Telling):
    tell(story)
    counts = ask(story, "SPANS", "span_count", "COUNT", dimensions=["span_type"])
    equal(counts, {("AGENT",): 4, ("RETRIEVER",): 3, ("CHAT_MODEL",): 3, ("TOOL",): 4})
    equal(ask(story, "ASSESSMENTS", "assessment_count", "COUNT", dimensions=["assessment_name"]), {("nice",): 2})
    equal(ask(story, "ASSESSMENTS", "assessment_value", "AVG", dimensions=["assessment_name"]), {("nice",): 0.5})


@chapter.check("percentiles are interpolated, and time is cut into intervals", full=True)
def _(story: Telling):
    from mlflow.entities.trace_metrics import AggregationType, MetricAggregation

    tell(story)
    p50 = MetricAggregation(aggregation_type=AggregationType.PERCENTILE, percentile_value=50.0)
    [point] = query(story, "TRACES", "latency", [p50])
    equal(list(point.values), ["P50.0"])
    now = story.kept["metrics told"]
    points = query(
        story,
        "TRACES",
        "trace_count",
        [MetricAggregation(aggregation_type=AggregationType.COUNT)],
        time_interval_seconds=3600,
        start_time_ms=now - 7_200_000,
        end_time_ms=now + 3_600_000,
    )
    equal(sum(point.values["COUNT"] for point in points), 4)
    equal(all("time_bucket" in point.dimensions for point in points), True, "time_bucket")


@chapter.check("a metric that does not exist is refused", full=True)
def _(story: Telling):
    tell(story)
    raises(lambda: ask(story, "TRACES", "mood", "AVG"), code="INVALID_PARAMETER_VALUE", text="mood")


@chapter.check("two filters correlate", full=True)
def _(story: Telling):
    from mlflow.tracing.client import TracingClient

    tell(story)
    result = TracingClient().calculate_trace_filter_correlation(
        experiment_ids=[story.enter("metrics")], filter_string1="name = 'failing agent'", filter_string2="status = 'ERROR'"
    )
    equal((result.filter1_count, result.filter2_count, result.joint_count, result.total_count), (1, 1, 1, 4))
    equal(result.npmi, 1.0)


def tell(story: Telling) -> None:
    experiment_id = story.enter("metrics")
    if "metrics told" in story.kept:
        return
    told = [app.ask(f"question {n}?") for n in range(3)] + [app.fail("1/0?")]
    app.flush()
    story.kept["metrics told"] = told[0].spans[0].start_time_ns // 1_000_000
    mlflow.log_feedback(trace_id=told[0].trace_id, name="nice", value=True)
    mlflow.log_feedback(trace_id=told[1].trace_id, name="nice", value=False)

    def arrived():
        counts = ask(story, "SPANS", "span_count", "COUNT")
        equal(counts, {(): 14}, f"spans of experiment {experiment_id}")
        return True

    eventually(arrived, seconds=20)


def ask(story: Telling, view: str, metric: str, aggregation: str, **options) -> dict[tuple, float]:
    """The one aggregation's value by the values of the dimensions."""
    from mlflow.entities.trace_metrics import AggregationType, MetricAggregation

    points = query(story, view, metric, [MetricAggregation(aggregation_type=AggregationType[aggregation])], **options)
    return {tuple(point.dimensions.values()): point.values[aggregation] for point in points if point.values}


def query(story: Telling, view: str, metric: str, aggregations, **options):
    from mlflow.entities.trace_metrics import MetricViewType
    from mlflow.tracing.client import TracingClient

    return TracingClient().store.query_trace_metrics(
        experiment_ids=[story.enter("metrics")],
        view_type=MetricViewType[view],
        metric_name=metric,
        aggregations=aggregations,
        **options,
    )
