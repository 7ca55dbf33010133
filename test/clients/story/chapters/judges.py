"""Judges are registered and started, and an application is used: early in the story, for a session is judged after a quiet minute."""

from __future__ import annotations

from typing import Literal

import mlflow

from .. import app
from ..checks import Chapter, equal, raises
from ..telling import Telling

# Values and reasons are those of scripted-judge.ts.
chapter = Chapter("judges", needs="STORY_JUDGE")
expected = "expectation.expected_response IS NOT NULL"


@chapter.check("judges of every kind are registered and started, and come back as they were made", full=True)
def _(story: Telling):
    from mlflow.genai import get_scorer, list_scorers
    from mlflow.genai.scorers import ScorerSamplingConfig

    for part, made in {"judged": judges(), "judged sessions": session_judges()}.items():
        story.enter(part)
        mlflow.set_experiment_tag("assay.sessionIdleMinutes", "1")
        for scorer in made:
            filter_string = expected if scorer.name == "correctness" else None
            registered = scorer.register()
            started = registered.start(sampling_config=ScorerSamplingConfig(sample_rate=1.0, filter_string=filter_string))
            equal((started.status.value, started.sample_rate, started.filter_string or None), ("STARTED", 1.0, filter_string))
        listed = {scorer.name: scorer for scorer in list_scorers()}
        equal(sorted(listed), sorted(scorer.name for scorer in made))
        for scorer in made:
            for kept in (listed[scorer.name], get_scorer(name=scorer.name)):
                equal((type(kept), kept.model_dump()), (type(scorer), scorer.model_dump()), scorer.name)
                equal((kept.sample_rate, kept.status.value), (1.0, "STARTED"), scorer.name)


@chapter.check("a @scorer function is started, or refused by clients before 3.17 without asking the server", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import ScorerSamplingConfig, scorer

    story.enter("judged")

    @scorer
    def length(outputs) -> int:
        return len(outputs["response"])

    if story.version < (3, 17):
        raises(length.register, text="not supported outside of Databricks")
        return
    length.register().start(sampling_config=ScorerSamplingConfig(sample_rate=1.0))


@chapter.check("KnowledgeRetention is registered by no client: it cannot be serialised", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import KnowledgeRetention

    story.enter("judged sessions")
    raises(KnowledgeRetention().register)


@chapter.check("a judge is started whose model the server does not know: what comes of it is told below", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import Safety, ScorerSamplingConfig

    story.enter("judged")
    judge = Safety(name="asks nobody", model="openrouter:/nobody").register()
    equal(judge.start(sampling_config=ScorerSamplingConfig(sample_rate=1.0)).status.value, "STARTED")


@chapter.check("an application is used, and people say what they expected", full=True)
def _(story: Telling):
    story.enter("judged")
    story.told["kind answer"] = app.ask("capital of France?")
    story.told["rude answer"] = app.ask("capital of Italy?", answer="Rome, you fool")
    story.told["no use"] = app.ask("capital of Peru? speak in tongues", answer="Lima, speak in tongues")
    app.flush()
    # Within the five quiet seconds after which a trace is judged.
    mlflow.log_expectation(trace_id=story.told["kind answer"].trace_id, name="expected_response", value="Paris")
    story.enter("judged sessions")
    chat = {"mlflow.trace.session": f"chat {story.run}"}
    story.told["first turn"] = app.ask("capital of Spain?", metadata=chat)
    story.told["second turn"] = app.ask("I asked for Spain!", answer="Then look it up, you fool", metadata=chat)
    app.flush()


def judges() -> list:
    from mlflow.genai import make_judge
    from mlflow.genai.scorers import Correctness, Guidelines, RelevanceToQuery, RetrievalGroundedness, Safety, ToolCallEfficiency

    tone = {"name": "tone", "instructions": "Rate the tone of {{ outputs }}", "model": "openai:/gpt-4o-mini"}
    kind = {"name": "is_kind", "instructions": "Is {{ outputs }} kind?", "model": "anthropic:/claude-haiku-4-5"}
    return [
        Safety(),
        RelevanceToQuery(),
        Guidelines(name="polite", guidelines=["Be polite", "Be brief"]),
        Correctness(),
        RetrievalGroundedness(),
        ToolCallEfficiency(),
        make_judge(**tone, feedback_value_type=Literal["friendly", "rude"]),
        make_judge(**kind, feedback_value_type=bool),
        # Its model is the client's default, openai:/gpt-4.1-mini.
        make_judge(name="stars", instructions="Give 1 to 5 stars to {{ trace }}", feedback_value_type=int),
    ]


def session_judges() -> list:
    from mlflow.genai import make_judge
    from mlflow.genai.scorers import ConversationCompleteness, UserFrustration

    mood = {"name": "mood", "instructions": "What is the mood of {{ conversation }}?", "model": "openai:/gpt-4o-mini"}
    return [UserFrustration(), ConversationCompleteness(), make_judge(**mood, feedback_value_type=Literal["good", "bad"])]
