from __future__ import annotations

import base64
import json
from typing import Any

import mlflow
import requests

from .. import app
from ..checks import Chapter, contains, equal, eventually
from ..telling import Telling

chapter = Chapter("tracing")
# The smallest picture: one pixel.
pixel = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@chapter.check("a nested application comes back span by span, as soon as it is flushed")
def _(story: Telling):
    story.enter("story")
    story.told["paris"] = app.ask(
        "capital of France?",
        tags={"environment": "production", "mlflow.trace.session": "tag-session", "it's a `key`": "it's a value"},
        metadata={"mlflow.trace.session": "session-1", "mlflow.trace.user": "ada", "release": "1.2"},
        client_request_id=f"request-paris-{story.run}",
    )
    app.flush()
    comes_back(story, "paris")


@chapter.check("a failing application comes back with its errors and events")
def _(story: Telling):
    story.told["failing"] = app.fail("1/0?", tags={"environment": "staging"}, metadata={"mlflow.trace.user": "bob"})
    app.flush()
    trace = comes_back(story, "failing")
    equal(str(trace.info.state.value), "ERROR", "state of the trace")
    statuses = {span.name: (span.status.status_code.value, span.status.description) for span in trace.data.spans}
    equal(statuses["divide"], ("ERROR", "ZeroDivisionError: division by zero"))
    [event] = [event for span in trace.data.spans if span.name == "divide" for event in span.events]
    equal((event.name, event.attributes["exception.type"]), ("exception", "ZeroDivisionError"))


@chapter.check("spans that were made without context come back")
def _(story: Telling):
    story.told["by hand"] = app.by_hand("by hand", q="?")
    app.flush()
    trace = comes_back(story, "by hand")
    equal(trace.info.tags["made"], "by hand")


@chapter.check("a trace has what was said about it")
def _(story: Telling):
    info = mlflow.get_trace(story.told["paris"].trace_id).info
    equal(info.client_request_id, f"request-paris-{story.run}")
    equal(info.experiment_id, story.experiment_id)
    equal(info.tags["environment"], "production")
    equal(info.tags["it's a `key`"], "it's a value")
    equal(info.tags["mlflow.traceName"], "agent")
    equal(info.trace_metadata["release"], "1.2")
    equal((info.trace_metadata["mlflow.trace.session"], info.trace_metadata["mlflow.trace.user"]), ("session-1", "ada"))
    contains(info.request_preview, "capital of France?")
    contains(info.response_preview, "Paris")
    equal(info.token_usage, app.usage, "token usage")
    root = story.told["paris"].spans[0]
    equal(abs(info.request_time - root.start_time_ns // 1_000_000) <= 1, True, "request time is the root's start")
    equal(abs(info.execution_duration - (root.end_time_ns - root.start_time_ns) // 1_000_000) <= 1, True, "duration")


@chapter.check("previews that the application writes are kept")
def _(story: Telling):
    told = story.told["previews"] = app.ask("what is shown?", request_preview="shown as asked", response_preview="shown as told")
    app.flush()
    info = mlflow.get_trace(told.trace_id).info
    equal((info.request_preview, info.response_preview), ("shown as asked", "shown as told"))


@chapter.check("session and user of the newer arguments are metadata", since=(3, 14))
def _(story: Telling):
    told = story.told["arguments"] = app.ask("who?", session_id="session-1", user="grace")
    app.flush()
    metadata = mlflow.get_trace(told.trace_id).info.trace_metadata
    equal((metadata["mlflow.trace.session"], metadata["mlflow.trace.user"]), ("session-1", "grace"))


@chapter.check("a picture that the client cuts out of a span is kept and read back", since=(3, 12))
def _(story: Telling):
    told = app.Told()
    uri = f"data:image/png;base64,{base64.b64encode(pixel).decode()}"
    with mlflow.start_span("look", span_type="CHAT_MODEL") as span:
        told.keep()
        span.set_inputs({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri}}]}]})
        span.set_outputs("a pixel")
    app.flush()
    trace = eventually(lambda: mlflow.get_trace(told.trace_id), what="the trace")
    reference = trace.data.spans[0].inputs["messages"][0]["content"][0]["image_url"]["url"]
    contains(reference, "mlflow-attachment://", "what stands in the span")
    path = attachment_path(trace, reference)
    headers = {"Authorization": f"Bearer {story.key}"}
    answer = eventually(lambda: found(requests.get(f"{story.url}{path}", headers=headers, timeout=10)), seconds=10)
    equal(answer.content, pixel, "bytes of the picture")


@chapter.check("a trace that is not there is None")
def _(story: Telling):
    equal(mlflow.get_trace("tr-" + "0" * 31 + "1"), None)


def comes_back(story: Telling, name: str) -> Any:
    told = story.told[name]
    trace = mlflow.get_trace(told.trace_id)
    equal(trace is not None, True, "get_trace right after the flush found it")
    got = {span.span_id: comparable(span) for span in trace.data.spans}
    wanted = {span.span_id: comparable(span) for span in told.spans}
    equal(sorted(got), sorted(wanted), "ids of spans")
    for span_id, span in wanted.items():
        for key, value in span.items():
            equal(got[span_id][key], value, f"{key} of span {span['name']}")
    return trace


def comparable(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "type": span.span_type,
        "parent": span.parent_id,
        "start": span.start_time_ns,
        "end": span.end_time_ns,
        "status": (span.status.status_code.value, span.status.description),
        "inputs": span.inputs,
        "outputs": span.outputs,
        "attributes": without_made_by_server(span.attributes),
        "events": [(event.name, event.timestamp, json.loads(json.dumps(event.attributes))) for event in span.events],
    }


def without_made_by_server(attributes: dict[str, Any]) -> dict[str, Any]:
    """Cost and provider may be added by a server that knows prices; nothing else may differ."""
    added = {"mlflow.llm.cost", "mlflow.llm.provider"}
    return {key: value for key, value in attributes.items() if key not in added}


def attachment_path(trace: Any, reference: str) -> str:
    location = trace.info.tags["mlflow.artifactLocation"]
    contains(location, "mlflow-artifacts:/", "location of artifacts")
    base = location.removeprefix("mlflow-artifacts:").lstrip("/")
    attachment = reference.removeprefix("mlflow-attachment://").split("?")[0]
    return f"/api/2.0/mlflow-artifacts/artifacts/{base}/attachments/{attachment}"


def found(answer: requests.Response) -> requests.Response:
    equal(answer.status_code, 200, answer.text[:300])
    return answer
