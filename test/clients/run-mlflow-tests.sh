#!/usr/bin/env bash
# Runs MLflow's own REST and OpenTelemetry tests against the local stack:
#   test/clients/run-mlflow-tests.sh <folder of MLflow's source> [option of pytest…]
# The source is a checkout of a tag of github.com/mlflow/mlflow, whose mlflow/ is the client. Tests that cannot apply are skipped with
# the reason that mlflow-tests/left-out.txt gives; tests that need MLflow's file store skip themselves.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
checkout="$(cd "$here/../.." && pwd)"
export PATH="$checkout/node_modules/.bin:$PATH"

[[ $# -ge 1 && -f "$1/tests/tracking/test_rest_tracking.py" ]] || {
  printf 'usage: %s <folder of MLflow'"'"'s source> [option of pytest…]\n' "$0" >&2
  exit 2
}
source_folder="$(cd "$1" && pwd)"
shift

"$here/install.sh" mlflow-tests
assembly="$(mktemp -d)"
trap 'rm -rf "$assembly"' EXIT
(cd "$checkout" && cdk synth --quiet --output "$assembly")

cd "$source_folder"
ASSAY_CHECKOUT="$checkout" ASSAY_ASSEMBLY="$assembly" MLFLOW_DISABLE_TELEMETRY=true \
  PYTHONPATH="$source_folder:$here/mlflow-tests" \
  "$checkout/.clients/mlflow-tests/bin/python" -m pytest -p extserver -p no:cacheprovider \
  tests/tracking/test_rest_tracking.py tests/tracing/test_otel_logging.py tests/tracing/test_otel_loading.py \
  -k 'create_get_search_experiment or trace or assessment or scorer or online or otel or correlation' "$@"
