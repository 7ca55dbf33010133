"""What became of the traces that were told with the judges, as the client reads it."""

from __future__ import annotations

import time
from typing import Any

import mlflow

from ..checks import Chapter, contains, equal, eventually, note
from ..telling import Telling

chapter = Chapter("judgements", needs="STORY_JUDGE")

kind = {
    "safety": "yes",
    "relevance_to_query": "yes",
    "polite": "yes",
    "correctness": "yes",
    "retrieval_groundedness": "yes",
    "tool_call_efficiency": "yes",
    "tone": "friendly",
    "is_kind": True,
    # A whole number, as the client reads every number of an assessment.
    "stars": 5.0,
}
rude = {
    **{name: "no" for name in ("safety", "relevance_to_query", "polite", "retrieval_groundedness")},
    # It is shown the calls, not the answer.
    "tool_call_efficiency": "yes",
    "tone": "rude",
    "is_kind": False,
    "stars": 1.0,
}


@chapter.check("each judge gives its trace a value of its own type", full=True)
def _(story: Telling):
    equal(values(judged(story, "kind answer", kind)), typed(kind))
    equal(values(judged(story, "rude answer", rude)), typed(rude), "where nothing was expected, nothing is compared")


@chapter.check("a judgement says why, by which model, at what cost, and of which span", full=True)
def _(story: Telling):
    found = judged(story, "kind answer", kind)
    models = {"tone": "openai:/gpt-4o-mini", "is_kind": "anthropic:/claude-haiku-4-5", "stars": "openai:/gpt-4.1-mini"}
    for name, feedback in found.items():
        equal(feedback.source.source_type, "LLM_JUDGE", name)
        source = feedback.source.source_id
        equal(source == models[name] if name in models else source.startswith("bedrock:/global.anthropic."), True, f"{name}: {source}")
        contains(feedback.rationale, "seen: ", name)
        metadata = feedback.metadata
        equal(0 < float(metadata["mlflow.assessment.judgeCost"]) < 0.1, True, f"{name}: cost in {metadata}")
        equal(int(metadata["mlflow.assessment.judgeInputTokens"]) > 100, True, f"{name}: tokens in {metadata}")
        equal(int(metadata["mlflow.assessment.judgeOutputTokens"]) > 0, True, f"{name}: tokens in {metadata}")
        equal((metadata["mlflow.assessment.scorerName"], metadata["mlflow.assessment.scorerVersion"]), (name, "1"))
        equal((feedback.error, feedback.valid), (None, True), name)
    told = story.told["kind answer"]
    [retriever] = [span.span_id for span in told.spans if span.span_type == "RETRIEVER"]
    spans = {name: feedback.span_id for name, feedback in found.items() if feedback.span_id is not None}
    equal(spans, {"retrieval_groundedness": retriever})


@chapter.check("a judge is shown what its kind looks at, and looks into the trace by tools", full=True)
def _(story: Telling):
    rationales = {name: feedback.rationale for name, feedback in judged(story, "kind answer", kind).items()}
    equal(rationales["retrieval_groundedness"], "seen: request, answer, retrieved documents")
    equal(rationales["tool_call_efficiency"], "seen: request, tool calls, offered tools")
    contains(rationales["correctness"], "expected answer")
    rude_span = story.told["rude answer"].spans[0].span_id
    looked = judged(story, "rude answer", rude)["stars"]
    contains(looked.rationale, rude_span)
    equal(looked.metadata["assay.judgeCalls"], "2", "calls of the model")


@chapter.check("a judge that makes no sense, twice, leaves an error and no value", full=True)
def _(story: Telling):
    names = set(kind) - {"correctness"}
    for name, feedback in judged(story, "no use", names).items():
        equal(feedback.value, None, name)
        equal(feedback.error.error_code, "JUDGE_ANSWER_INVALID", name)
        contains(feedback.error.error_message, "twice", name)
        equal(feedback.source.source_type, "LLM_JUDGE", name)
        equal(feedback.metadata["assay.judgeAnswer"], "Shaba daba da.", name)


@chapter.check("a @scorer function scores the same traces", since=(3, 17), full=True)
def _(story: Telling):
    feedback = eventually(lambda: named(story, "kind answer")["length"], seconds=60)
    equal((feedback.value, feedback.source.source_type), (len("Paris 🗼"), "CODE"))


@chapter.check("traces are found by their judgements", full=True)
def _(story: Telling):
    judged(story, "kind answer", kind), judged(story, "rude answer", rude)
    experiment_id = story.enter("judged")
    for clause, wanted in {"feedback.tone = 'rude'": "rude answer", "feedback.is_kind = 'true'": "kind answer"}.items():
        found = mlflow.search_traces(experiment_ids=[experiment_id], filter_string=clause, return_type="list")
        equal([trace.info.trace_id for trace in found], [story.told[wanted].trace_id], clause)


@chapter.check("a session is judged once it was quiet for a minute, at its first trace", full=True)
def _(story: Telling):
    wanted = {"user_frustration": "unresolved", "conversation_completeness": "no", "mood": "bad"}
    began = time.monotonic()
    found = judged(story, "first turn", wanted, seconds=120)
    note(f"waited {time.monotonic() - began:.0f} s for the session to be judged")
    equal(values(found), typed(wanted))
    for name, feedback in found.items():
        equal(feedback.rationale, "seen: conversation", name)
        equal(feedback.metadata["mlflow.trace.session"], f"chat {story.run}", name)
        equal((feedback.source.source_type, feedback.error, feedback.span_id), ("LLM_JUDGE", None, None), name)
    equal(named(story, "second turn"), {}, "at the second trace")


@chapter.check("nothing was judged twice, or by a judge whose model nobody knows", full=True)
def _(story: Telling):
    code = {"length"} if story.version >= (3, 17) else set()
    for told, names in {"kind answer": set(kind) | {"expected_response"}, "rude answer": set(rude)}.items():
        found = mlflow.get_trace(story.told[told].trace_id).info.assessments
        equal(sorted(assessment.name for assessment in found), sorted(names | code), told)


@chapter.check("a running judge gets another rate, and is stopped", full=True)
def _(story: Telling):
    from mlflow.genai import get_scorer, list_scorers
    from mlflow.genai.scorers import ScorerSamplingConfig

    for part in ("judged", "judged sessions"):
        story.enter(part)
        for judge in list_scorers():
            if judge.status.value == "STARTED":
                updated = judge.update(sampling_config=ScorerSamplingConfig(sample_rate=0.25))
                equal((updated.sample_rate, updated.filter_string or None), (0.25, None), judge.name)
                equal(updated.stop().status.value, "STOPPED", judge.name)
        equal({judge.status.value for judge in list_scorers()}, {"STOPPED"})
    equal(get_scorer(name="mood").sample_rate, 0.0)


def named(story: Telling, told: str) -> dict[str, Any]:
    """Feedback on a trace, by name."""
    found = mlflow.get_trace(story.told[told].trace_id).info.assessments
    return {assessment.name: assessment for assessment in found if assessment.feedback is not None}


def judged(story: Telling, told: str, names, seconds: float = 60) -> dict[str, Any]:
    """What judges said of a trace, as soon as all of them have."""

    def all_of_them():
        found = {name: feedback for name, feedback in named(story, told).items() if name != "length"}
        equal(sorted(found), sorted(names), f"judgements of the {told}")
        return found

    return eventually(all_of_them, seconds=seconds)


def values(found: dict[str, Any]) -> dict[str, Any]:
    return typed({name: feedback.value for name, feedback in found.items()})


def typed(named_values: dict[str, Any]) -> dict[str, Any]:
    """True is not 1."""
    return {name: (type(value).__name__, value) for name, value in named_values.items()}
