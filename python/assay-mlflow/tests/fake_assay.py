"""As much of Assay as the registry of scorers and the assessments of one trace need, in memory: for what the running server of a
test does not serve yet, and for requests to look at."""

from __future__ import annotations

import json
from typing import Any

from recorder import Answer, Recorder, Request

SCORERS = "/api/3.0/mlflow/scorers"
NOW = 1_790_000_000_000


def fake_assay(store_type: str = "Assay") -> Recorder:
    recorder = Recorder()
    recorder.answer("GET /api/3.0/mlflow/server-info", {"store_type": store_type})
    recorder.answer("GET /version", "3.10.0")
    _serve_experiments(recorder)
    _serve_scorers(recorder)
    return recorder


def refusal(status: int, code: str, message: str) -> Answer:
    return status, {"error_code": code, "message": message}


def _serve_experiments(recorder: Recorder) -> None:
    tags: dict[str, str] = {}

    def get(request: Request) -> Answer:
        experiment_id = request.query["experiment_id"][0]
        if experiment_id != "7":
            return refusal(404, "RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={experiment_id} exists")
        experiment = {
            "experiment_id": "7",
            "name": "support",
            "lifecycle_stage": "active",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        return 200, {"experiment": experiment}

    def set_tag(request: Request) -> Answer:
        tags[request.body["key"]] = request.body["value"]
        return 200, {}

    def delete_tag(request: Request) -> Answer:
        tags.pop(request.body["key"])
        return 200, {}

    base = "/api/2.0/mlflow/experiments"
    recorder.routes[f"GET {base}/get"] = get
    recorder.routes[f"POST {base}/set-experiment-tag"] = set_tag
    recorder.routes[f"POST {base}/delete-experiment-tag"] = delete_tag


def _serve_scorers(recorder: Recorder) -> None:
    versions: dict[str, list[dict[str, Any]]] = {}
    configs: dict[str, dict[str, Any]] = {}

    def register(request: Request) -> Answer:
        name = request.body["name"]
        known = versions.setdefault(name, [])
        version = {
            "experiment_id": int(request.body["experiment_id"]),
            "scorer_name": name,
            "scorer_version": len(known) + 1,
            "serialized_scorer": request.body["serialized_scorer"],
            "creation_time": NOW,
            "scorer_id": f"id-of-{name}",
        }
        known.append(version)
        return 200, {
            **version,
            "version": version["scorer_version"],
            "name": name,
            "experiment_id": request.body["experiment_id"],
        }

    def list_latest(request: Request) -> Answer:
        latest = [known[-1] for known in versions.values()]
        if "x-assay-mlflow" not in request.headers:
            latest = [scorer for scorer in latest if json.loads(scorer["serialized_scorer"])["call_source"] is None]
        return 200, {"scorers": latest}

    def get(request: Request) -> Answer:
        name = request.query["name"][0]
        if name not in versions:
            return refusal(404, "RESOURCE_DOES_NOT_EXIST", f"Scorer with name '{name}' not found for experiment 7.")
        wanted = int(request.query.get("version", ["0"])[0])
        return 200, {"scorer": versions[name][wanted - 1]}

    def set_config(request: Request) -> Answer:
        body = request.body
        config = {
            "online_scoring_config_id": f"config-of-{body['name']}",
            "scorer_id": f"id-of-{body['name']}",
            "sample_rate": body["sample_rate"],
            "experiment_id": body["experiment_id"],
            **({"filter_string": body["filter_string"]} if body.get("filter_string") else {}),
        }
        configs[config["scorer_id"]] = config
        return 200, {"config": config}

    def get_configs(request: Request) -> Answer:
        return 200, {"configs": [configs[found] for found in request.query["scorer_ids"] if found in configs]}

    def delete(request: Request) -> Answer:
        del versions[request.body["name"]]
        return 200, {}

    recorder.routes[f"POST {SCORERS}/register"] = register
    recorder.routes[f"GET {SCORERS}/list"] = list_latest
    recorder.routes[f"GET {SCORERS}/versions"] = lambda request: (200, {"scorers": versions[request.query["name"][0]]})
    recorder.routes[f"GET {SCORERS}/get"] = get
    recorder.routes[f"PUT {SCORERS}/online-config"] = set_config
    recorder.routes[f"GET {SCORERS}/online-configs"] = get_configs
    recorder.routes[f"DELETE {SCORERS}/delete"] = delete
