"""Scorers of one experiment, registered by the newest client and read by every other."""

from __future__ import annotations

import mlflow

from ..checks import Chapter, equal, raises
from ..telling import Telling

chapter = Chapter("shared scorers")


@chapter.check("scorers that the newest client registered do not break the lists of older ones", full=True)
def _(story: Telling):
    from mlflow.genai import list_scorers, make_judge
    from mlflow.genai.scorers import Guidelines, Safety

    mlflow.set_experiment(f"shared scorers {story.run}")
    if story.version >= (3, 18):
        from mlflow.genai.scorers import RegexMatch, agg_all, make_scorer_ensemble, scorer

        @scorer
        def shout(outputs) -> bool:
            return str(outputs).isupper()

        Safety().register()
        Guidelines(name="kind", guidelines="be kind").register()
        make_judge(name="tone", instructions="Rate {{ outputs }}", model="openai:/m", feedback_value_type=bool).register()
        RegexMatch(name="regex", pattern="x").register()
        make_scorer_ensemble(name="all", scorers=[RegexMatch(name="a", pattern="a")], ensemble_fn=agg_all).register()
        shout.register()
    wanted = {"safety", "kind", "tone"}
    wanted |= {"regex"} if story.version >= (3, 14) else set()
    wanted |= {"all"} if story.version >= (3, 15, 2) else set()
    wanted |= {"shout"} if story.version >= (3, 17) else set()
    equal({scorer.name for scorer in list_scorers()}, wanted, "names (the newest client registers first)")


@chapter.check("an older client starts one of them", since=(3, 14), full=True)
def _(story: Telling):
    from mlflow.genai import get_scorer
    from mlflow.genai.scorers import ScorerSamplingConfig

    mlflow.set_experiment(f"shared scorers {story.run}")
    started = get_scorer(name="regex").start(sampling_config=ScorerSamplingConfig(sample_rate=0.5))
    equal(started.sample_rate, 0.5)
    started.stop()
    raises(lambda: get_scorer(name="not there"), code="RESOURCE_DOES_NOT_EXIST")
