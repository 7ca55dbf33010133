"""Has the last sixty days of an experiment backfilled by the package, a judge at a rate of its own and a scorer by its name; prints the ids."""

import json
import sys
from datetime import datetime, timedelta, timezone

import mlflow
from mlflow.genai.scorers import Safety

from assay_mlflow import BackfillScorerConfig, backfill_scorers

experiment_id, by_name = sys.argv[1:]
mlflow.set_experiment(experiment_id=experiment_id)
times = {"start_time": datetime.now() - timedelta(days=61), "end_time": datetime.now(timezone.utc)}
safety = Safety(name="safety").register()
print(
    json.dumps(
        [
            backfill_scorers(scorers=[BackfillScorerConfig(scorer=safety, sample_rate=0.8)], **times),
            backfill_scorers(experiment_id=experiment_id, scorers=[by_name], **times),
        ]
    )
)
