"""The life of scorers: what the client serialises is kept, started, changed, listed and deleted."""

from __future__ import annotations

from typing import Literal

from ..checks import Chapter, contains, equal, raises
from ..telling import Telling

chapter = Chapter("scorers")


@chapter.check("judges are registered and come back as they were", full=True)
def _(story: Telling):
    from mlflow.genai import list_scorers, make_judge
    from mlflow.genai.scorers import Guidelines, RelevanceToQuery, RetrievalGroundedness, Safety

    story.enter("scorers")
    made = [
        Safety(),
        RelevanceToQuery(name="relevance"),
        RetrievalGroundedness(),
        Guidelines(name="is_english", guidelines=["The response must be in English"], model="bedrock:/anthropic.claude-x"),
        make_judge(
            name="tone",
            instructions="Rate the tone of {{ outputs }} for {{ inputs }}",
            model="openai:/gpt-4o-mini",
            feedback_value_type=Literal["good", "bad"],
        ),
        make_judge(name="grade", instructions="Grade {{ trace }}", model="anthropic:/claude-x", feedback_value_type=float),
    ]
    for scorer in made:
        registered = scorer.register()
        equal((registered.name, registered.status.value), (scorer.name, "STOPPED"))
    listed = {scorer.name: scorer for scorer in list_scorers()}
    equal(sorted(listed), sorted(scorer.name for scorer in made))
    equal(listed["is_english"].guidelines, ["The response must be in English"])
    equal(listed["tone"].instructions, made[4].instructions)
    equal(type(listed["safety"]), Safety)


@chapter.check("a judge is started, or refused with the reason why it cannot run", full=True)
def _(story: Telling):
    from mlflow.genai.scorers import Guidelines, ScorerSamplingConfig

    story.enter("lifecycle")
    judge = Guidelines(name="judge", guidelines="be kind", model="bedrock:/anthropic.claude-x").register()
    try:
        started = judge.start(sampling_config=ScorerSamplingConfig(sample_rate=0.5))
    except Exception as error:
        equal(getattr(error, "error_code", None), "INVALID_PARAMETER_VALUE", f"error code of {error}")
        contains(str(error), "judge", "message")
        return
    equal((started.status.value, started.sample_rate), ("STARTED", 0.5))
    equal(started.update(sampling_config=ScorerSamplingConfig(sample_rate=0.1)).sample_rate, 0.1)
    equal(started.stop().status.value, "STOPPED")


@chapter.check("a scorer is started, changed and stopped, each time as a new object", since=(3, 14), full=True)
def _(story: Telling):
    scorer, config = startable(story, "lifecycle")
    started = scorer.start(sampling_config=config(sample_rate=0.5, filter_string="status = 'OK'"))
    equal((started.status.value, started.sample_rate, started.filter_string), ("STARTED", 0.5, "status = 'OK'"))
    equal(scorer.sample_rate in (None, 0, 0.0), True, "the registered object has not changed")
    updated = started.update(sampling_config=config(sample_rate=0.8, filter_string="status = 'ERROR'"))
    equal((updated.sample_rate, updated.filter_string), (0.8, "status = 'ERROR'"))
    stopped = updated.stop()
    equal((stopped.status.value, stopped.sample_rate), ("STOPPED", 0.0))
    again = stopped.start(sampling_config=config(sample_rate=1.0))
    equal((again.status.value, again.sample_rate, again.filter_string or None), ("STARTED", 1.0, None))
    again.stop()


@chapter.check("a filter alone is changed and the rate stays", since=(3, 14), full=True)
def _(story: Telling):
    scorer, config = startable(story, "filter only")
    started = scorer.start(sampling_config=config(sample_rate=0.4))
    updated = started.update(sampling_config=config(filter_string="name = 'agent'"))
    equal((updated.sample_rate, updated.filter_string), (0.4, "name = 'agent'"))
    updated.stop()


@chapter.check("what is wrong with a start is said", since=(3, 14), full=True)
def _(story: Telling):
    scorer, config = startable(story, "wrong start")
    raises(lambda: scorer.start(sampling_config=config(sample_rate=0.5, filter_string="mood = 'x'")), text="mood")
    raises(lambda: scorer.start(sampling_config=config(sample_rate=0.5, filter_string="status = 'OK' OR name = 'x'")), text="OR")
    raises(lambda: scorer.start(sampling_config=config(sample_rate=1.5)), text="1")
    listed = {scorer.name: scorer for scorer in list_scorers_here()}
    equal(listed["wrong start"].status.value, "STOPPED", "after refused starts")


@chapter.check("registering a name again makes its next version", full=True)
def _(story: Telling):
    from mlflow.genai import get_scorer
    from mlflow.genai.scorers import Guidelines

    story.enter("scorers")
    Guidelines(name="versions", guidelines="one").register()
    Guidelines(name="versions", guidelines="two").register()
    equal(get_scorer(name="versions").guidelines, "two")
    equal(get_scorer(name="versions", version=1).guidelines, "one")
    equal([scorer.guidelines for scorer in list_scorers_here() if scorer.name == "versions"], ["two"])
    equal([scorer.guidelines for scorer in versions_of("versions")], ["one", "two"])


@chapter.check("scorers are deleted by version and altogether", full=True)
def _(story: Telling):
    from mlflow.genai import delete_scorer, get_scorer
    from mlflow.genai.scorers import Guidelines

    story.enter("scorers")
    for text in ("one", "two"):
        Guidelines(name="deleted", guidelines=text).register()
    delete_scorer(name="deleted", version=2)
    equal(get_scorer(name="deleted").guidelines, "one")
    delete_scorer(name="deleted", version="all")
    raises(lambda: get_scorer(name="deleted"), code="RESOURCE_DOES_NOT_EXIST")
    equal("deleted" in [scorer.name for scorer in list_scorers_here()], False, "it is listed")


@chapter.check("heuristics without a model are registered, started and come back", since=(3, 14), full=True)
def _(story: Telling):
    from mlflow.genai.scorers import PIIDetection, RegexMatch, ResponseLength, ScorerSamplingConfig

    story.enter("scorers")
    for scorer in (RegexMatch(name="regex", pattern="Par.s"), PIIDetection(), ResponseLength(max_length=100, unit="words")):
        started = scorer.register().start(sampling_config=ScorerSamplingConfig(sample_rate=1))
        equal(started.status.value, "STARTED", scorer.name)
        started.stop()
    [listed] = [scorer for scorer in list_scorers_here() if scorer.name == "regex"]
    equal(listed.pattern, "Par.s")


@chapter.check("a @scorer function is registered, started and comes back callable", since=(3, 17), full=True)
def _(story: Telling):
    from mlflow.genai.scorers import ScorerSamplingConfig, scorer

    story.enter("code scorers")

    @scorer(aggregations=["mean", "p90"])
    def answer_length(outputs) -> int:
        return len(str(outputs))

    registered = answer_length.register()
    started = registered.start(sampling_config=ScorerSamplingConfig(sample_rate=0.25))
    equal((started.name, started.sample_rate), ("answer_length", 0.25))
    [listed] = list_scorers_here()
    equal((listed.aggregations, listed(outputs="four")), (["mean", "p90"], 4))
    started.stop()


@chapter.check("an ensemble is registered and comes back", since=(3, 16), full=True)
def _(story: Telling):
    from mlflow.genai.scorers import RegexMatch, make_scorer_ensemble

    story.enter("ensembles")
    parts = [RegexMatch(name="a", pattern="a"), RegexMatch(name="b", pattern="b")]
    from mlflow.genai.scorers import agg_all

    make_scorer_ensemble(name="both", scorers=parts, ensemble_fn=agg_all).register()
    equal([scorer.name for scorer in list_scorers_here()], ["both"])


@chapter.check("a scorer that is not there is not found", full=True)
def _(story: Telling):
    from mlflow.genai import get_scorer

    story.enter("scorers")
    error = raises(lambda: get_scorer(name="nobody"), code="RESOURCE_DOES_NOT_EXIST")
    contains(str(error), "nobody", "message")


@chapter.check("at most 20 scorers are active; the 21st start says which are", since=(3, 14), full=True)
def _(story: Telling):
    from mlflow.genai.scorers import RegexMatch, ScorerSamplingConfig

    story.enter("twenty")
    config = ScorerSamplingConfig(sample_rate=0.1)
    for n in range(20):
        RegexMatch(name=f"s{n}", pattern="x").register().start(sampling_config=config)
    last = RegexMatch(name="s20", pattern="x").register()
    error = raises(lambda: last.start(sampling_config=config), text="20")
    contains(str(error), "s7", "message")


def startable(story: Telling, name: str):
    """A registered scorer that needs no model."""
    from mlflow.genai.scorers import RegexMatch, ScorerSamplingConfig

    story.enter("lifecycle")
    return RegexMatch(name=name, pattern="x").register(), ScorerSamplingConfig


def list_scorers_here():
    from mlflow.genai import list_scorers

    return list_scorers()


def versions_of(name: str):
    from mlflow.genai.scorers.registry import list_scorer_versions

    return [scorer for scorer, _ in list_scorer_versions(name=name)]
