from . import (
    connecting,
    deleting,
    evaluating,
    feedback,
    large,
    live_scoring,
    metrics,
    runs,
    scorers,
    searching,
    sessions,
    shared_scorers,
    tracing,
)

chapters = [
    module.chapter
    for module in (
        connecting,
        tracing,
        searching,
        feedback,
        sessions,
        runs,
        scorers,
        shared_scorers,
        live_scoring,
        evaluating,
        metrics,
        large,
        deleting,
    )
]
