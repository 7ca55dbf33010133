from __future__ import annotations

import time

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually, raises
from ..telling import Telling

chapter = Chapter("searching")


@chapter.check("traces are found by what was said about them")
def _(story: Telling):
    tell(story)
    paris, failing = ["paris"], ["failing"]
    wanted = {
        "tags.environment = 'production'": paris,
        "tag.environment != 'production'": failing,
        "metadata.`mlflow.trace.session` = 'session-1' AND metadata.release = '1.2'": paris,
        "metadata.`mlflow.trace.user` = 'bob'": failing,
        "status = 'ERROR'": failing,
        "status = 'OK' AND name = 'agent' AND tags.environment = 'production'": paris,
        "name = 'failing agent'": failing,
        "name LIKE 'failing%'": failing,
        "name ILIKE 'FAILING%'": failing,
        f"client_request_id = 'request-paris-{story.run}'": paris,
        f"request_id = '{story.told['failing'].trace_id}'": failing,
        "span.name = 'divide'": failing,
        "span.type = 'RETRIEVER' AND metadata.release = '1.2'": paris,
        "execution_time_ms >= 0 AND tags.environment = 'production'": paris,
        "tags.environment = 'nowhere'": [],
    }
    refused = ["tags.environment IN ('x')", "tags.`never closed = 'x'"]
    eventually(lambda: equal({text: story.names(text) for text in wanted}, wanted) is None, seconds=10)
    for text in refused:
        raises(lambda text=text: story.search(text), code="INVALID_PARAMETER_VALUE")


@chapter.check("sessions and users are found wherever they were set")
def _(story: Telling):
    tell(story)
    for filter_string in ("trace.session = 'session-1'", "trace.user = 'ada'"):
        equal("paris" in story.names(filter_string), True, filter_string)
    equal(story.names("trace.session = 'tag-only'"), ["tag session"], "a session that stands in a tag only")


@chapter.check("a tag is found by its own value, when the metadata say another session")
def _(story: Telling):
    tell(story)
    equal(story.names("tags.`mlflow.trace.session` = 'tag-session'"), ["paris"])


@chapter.check("a trace that was just flushed is found at once")
def _(story: Telling):
    told = story.told["at once"] = app.by_hand("at once")
    app.flush()
    equal(story.names(f"request_id = '{told.trace_id}'"), ["at once"])
    equal(story.search(max_results=1)[0].info.trace_id, told.trace_id, "the newest trace")


@chapter.check("order and limits are kept, and pages follow one another")
def _(story: Telling):
    tell(story)
    for n in range(5):
        story.told[f"page {n}"] = app.by_hand(f"page {n % 2}", n=n)
        time.sleep(0.005)
    app.flush()
    pages = [f"page {n}" for n in range(5)]
    text = "name LIKE 'page %'"
    eventually(lambda: len(story.names(text)) == 5, seconds=10, what="five pages")
    equal(story.names(text), pages[::-1], "newest first")
    equal(story.names(text, order_by=["timestamp_ms ASC"]), pages, "oldest first")
    equal(story.names(text, order_by=["name ASC", "timestamp_ms DESC"]), [f"page {n}" for n in (4, 2, 0, 3, 1)])
    equal(story.names(text, max_results=2), pages[::-1][:2])
    store = tracing_client()
    first = store.search_traces(experiment_ids=[story.experiment_id], filter_string=text, max_results=2, include_spans=False)
    second = store.search_traces(
        experiment_ids=[story.experiment_id], filter_string=text, max_results=10, page_token=first.token, include_spans=False
    )
    ids = [trace.info.trace_id for trace in [*first, *second]]
    equal(ids, [story.told[page].trace_id for page in pages[::-1]], "ids over both pages")
    equal(second.token or None, None, "token after the last page")


@chapter.check("found traces carry their spans, or not, as asked")
def _(story: Telling):
    tell(story)
    [found] = story.search("metadata.release = '1.2'")
    equal(len(found.data.spans), len(story.told["paris"].spans))
    equal([span.outputs for span in found.search_spans(span_type="RETRIEVER")], [app.documents])
    [found] = story.search("metadata.release = '1.2'", include_spans=False)
    equal(found.data.spans, [])


@chapter.check("traces are found as a data frame", full=True)
def _(story: Telling):
    tell(story)
    frame = mlflow.search_traces(experiment_ids=[story.experiment_id], filter_string="metadata.release = '1.2'")
    row = frame.iloc[0]
    equal((len(frame), row.trace_id, row.state), (1, story.told["paris"].trace_id, "OK"))
    equal(row.request["question"], "capital of France?")
    equal(row.response, {"response": "Paris 🗼", "sources": 2})


@chapter.check("a filter that is wrong says what is wrong")
def _(story: Telling):
    raises(lambda: story.search("status = 'OK' OR status = 'ERROR'"), code="INVALID_PARAMETER_VALUE", text="OR")
    raises(lambda: story.search("assessments.x = 'OK'"), code="INVALID_PARAMETER_VALUE", text="assessments")
    raises(lambda: story.search(order_by=["mood ASC"]), code="INVALID_PARAMETER_VALUE", text="mood")


@chapter.check("tags are set, changed and deleted afterwards")
def _(story: Telling):
    tell(story)
    trace_id = story.told["failing"].trace_id
    mlflow.set_trace_tag(trace_id, "reviewed", "no")
    mlflow.set_trace_tag(trace_id, "reviewed", "yes")
    equal(mlflow.get_trace(trace_id).info.tags["reviewed"], "yes")
    equal(story.names("tags.reviewed = 'yes'"), ["failing"])
    mlflow.delete_trace_tag(trace_id, "reviewed")
    equal("reviewed" in mlflow.get_trace(trace_id).info.tags, False, "a deleted tag is there")
    equal(story.names("tags.reviewed = 'yes'"), [])
    raises(lambda: mlflow.delete_trace_tag(trace_id, "reviewed"), code="RESOURCE_DOES_NOT_EXIST")


def tell(story: Telling) -> None:
    """What the tracing chapter tells, where this one is told alone."""
    story.enter("story")
    if "paris" not in story.told:
        story.told["paris"] = app.ask(
            "capital of France?",
            tags={"environment": "production", "mlflow.trace.session": "tag-session"},
            metadata={"mlflow.trace.session": "session-1", "mlflow.trace.user": "ada", "release": "1.2"},
            client_request_id=f"request-paris-{story.run}",
        )
        story.told["failing"] = app.fail("1/0?", tags={"environment": "staging"}, metadata={"mlflow.trace.user": "bob"})
    if "tag session" not in story.told:
        story.told["tag session"] = app.ask("who?", tags={"mlflow.trace.session": "tag-only"})
        app.flush()


def tracing_client():
    from mlflow.tracing.client import TracingClient

    return TracingClient()
