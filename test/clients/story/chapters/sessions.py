from __future__ import annotations

import mlflow

from .. import app
from ..checks import Chapter, equal, eventually
from ..telling import Telling

chapter = Chapter("sessions")


@chapter.check("traces come back grouped by session", since=(3, 10))
def _(story: Telling):
    experiment_id = story.enter("sessions")
    turns = {"one": 3, "two": 1}
    for session, count in turns.items():
        for n in range(count):
            app.ask(f"{session} {n}", metadata={"mlflow.trace.session": session})
    app.ask("of no session")
    app.flush()

    def grouped():
        found = mlflow.search_sessions(locations=[experiment_id])
        counts = {session.id: len(session.traces) for session in found}
        equal(counts, turns)
        return found

    found = eventually(grouped, seconds=15)
    [two] = [session for session in found if session.id == "two"]
    equal(len(two.traces[0].data.spans), 4, "spans of the trace")
    equal(len(mlflow.search_sessions(locations=[experiment_id], max_results=1)), 1)


@chapter.check("a session of levels is one session", since=(3, 18))
def _(story: Telling):
    story.enter("session levels")
    told = app.ask("where am I?", session_id=["tenant", "chat-7"])
    app.flush()
    session = mlflow.get_trace(told.trace_id).info.trace_metadata["mlflow.trace.session"]
    equal(session, '["tenant","chat-7"]')
