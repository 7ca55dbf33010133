"""python -m story [chapter …]: tells the story, or those chapters, and prints one JSON line for each check.

MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN say where, as for any program that uses MLflow.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

# Before MLflow is imported, which reads it: nothing is sent elsewhere, and a server that fails is not asked for minutes.
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
# Clients from 3.17 read @scorer functions back from a server that is not Databricks only so (mlflow/genai/scorers/base.py).
os.environ.setdefault("MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS", "true")


def main() -> int:
    began = time.monotonic()
    # MLflow prints links of runs; the lines are for whoever reads them.
    lines, sys.stdout = sys.stdout, sys.stderr
    from . import wire
    from .chapters import chapters
    from .checks import outcomes
    from .telling import Telling

    options = parse([chapter.name for chapter in chapters])
    wire.watch()
    story = Telling(run=options.run)
    failed = 0
    for chapter in chapters:
        if options.chapters and chapter.name not in options.chapters:
            continue
        for outcome in outcomes(chapter, story):
            failed += outcome["outcome"] == "failed"
            print(json.dumps(outcome), file=lines, flush=True)
    summary = {"failed": failed, "seconds": round(time.monotonic() - began, 1)}
    if options.routes:
        summary["routes"] = dict(sorted(wire.routes.items()))
    print(json.dumps({"told": summary}), file=lines, flush=True)
    return 1 if failed else 0


def parse(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="story", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("chapters", nargs="*", help=f"of {', '.join(names)}; none: all")
    parser.add_argument("--run", default=time.strftime("%H%M%S"), help="set apart from earlier runs on the same server")
    parser.add_argument("--routes", action="store_true", help="say which routes were called how often")
    options = parser.parse_args()
    unknown = set(options.chapters) - set(names)
    if unknown:
        parser.error(f"unknown chapters {sorted(unknown)}, there are {names}")
    return options


if __name__ == "__main__":
    sys.exit(main())
