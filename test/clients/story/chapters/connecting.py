from __future__ import annotations

import os
from contextlib import contextmanager

import mlflow
import requests

from ..checks import Chapter, contains, equal, raises
from ..telling import Telling

chapter = Chapter("connecting")


@chapter.check("an experiment is made by its first use and found by the next")
def _(story: Telling):
    first = mlflow.set_experiment(story.name("story"))
    again = mlflow.set_experiment(story.name("story"))
    equal(again.experiment_id, first.experiment_id, "id")
    equal((first.name, first.lifecycle_stage), (story.name("story"), "active"))
    contains(str(int(first.experiment_id)), first.experiment_id, "decimal id")
    equal(story.enter("story"), first.experiment_id)


@chapter.check("an experiment is found by name, by id and by search", full=True)
def _(story: Telling):
    experiment_id, name = story.experiment_id, story.name("story")
    equal(mlflow.get_experiment_by_name(name).experiment_id, experiment_id, "by name")
    equal(mlflow.get_experiment(experiment_id).name, name, "by id")
    equal([e.experiment_id for e in mlflow.search_experiments(filter_string=f"name = '{name}'")], [experiment_id])
    contains([e.name for e in mlflow.search_experiments()], name, "all")
    equal(mlflow.get_experiment_by_name(name + " not there"), None)
    equal(mlflow.get_experiment("0").name, "Default")


@chapter.check("an experiment's name and tags are changed, deleted and restored", full=True)
def _(story: Telling):
    client = mlflow.MlflowClient()
    name = story.name("changing")
    experiment_id = client.create_experiment(name, tags={"team": "search"})
    raises(lambda: client.create_experiment(name), code="RESOURCE_ALREADY_EXISTS", text=name)
    client.set_experiment_tag(experiment_id, "stage", "prod")
    equal({k: client.get_experiment(experiment_id).tags[k] for k in ("team", "stage")}, {"team": "search", "stage": "prod"})
    client.delete_experiment_tag(experiment_id, "team")
    equal("team" in client.get_experiment(experiment_id).tags, False, "a deleted tag is there")
    client.rename_experiment(experiment_id, name + " renamed")
    equal(client.get_experiment(experiment_id).name, name + " renamed")
    equal(client.get_experiment_by_name(name), None, "the old name")
    client.delete_experiment(experiment_id)
    equal(client.get_experiment(experiment_id).lifecycle_stage, "deleted")
    client.restore_experiment(experiment_id)
    equal(client.get_experiment(experiment_id).lifecycle_stage, "active")


@chapter.check("a key works as the password of Basic authentication")
def _(story: Telling):
    with environment(MLFLOW_TRACKING_TOKEN=None, MLFLOW_TRACKING_USERNAME="anyone", MLFLOW_TRACKING_PASSWORD=story.key):
        equal(story.search("status = 'OK'", max_results=1), [])


@chapter.check("a wrong key is refused with a reason that people can read")
def _(story: Telling):
    if not story.key:
        return
    with environment(MLFLOW_TRACKING_TOKEN="assay_wrong"):
        error = raises(lambda: story.search(experiment_ids=["0"]))
        contains(str(error).lower(), "key", "message")
    answer = requests.get(f"{story.url}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=10)
    equal(answer.status_code, 401, "without a key")


@chapter.check("a route that is not served answers ENDPOINT_NOT_FOUND")
def _(story: Telling):
    headers = {"Authorization": f"Bearer {story.key}"}
    answer = requests.get(f"{story.url}/api/3.0/mlflow/no-such-thing", headers=headers, timeout=10)
    equal(answer.status_code, 404)
    if story.key:
        equal(answer.json()["error_code"], "ENDPOINT_NOT_FOUND")


@contextmanager
def environment(**changes: str | None):
    before = {name: os.environ.get(name) for name in changes}
    try:
        change(changes)
        yield
    finally:
        change(before)


def change(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
