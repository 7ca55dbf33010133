from . import (
    connecting,
    deleting,
    evaluating,
    feedback,
    judgements,
    judges,
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
        judges,
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
        judgements,
        deleting,
    )
]
