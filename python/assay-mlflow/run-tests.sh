#!/usr/bin/env bash
# Installs this package into a virtual environment that has mlflow, and runs its tests there.
#
#   ASSAY_URL=http://127.0.0.1:4318 ASSAY_KEY=<admin key> run-tests.sh <python of the environment> [arguments of pytest]
#
# Entry points need a real installation. It is one without dependencies: what the environment has of MLflow stays as it is.
# ASSAY_PIP names another installer than the environment's own pip, as "uv pip".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if (($# == 0)) || [[ ! -x $1 ]]; then
  echo "usage: ASSAY_URL=<url> ASSAY_KEY=<admin key> $0 <python of a virtual environment> [arguments of pytest]" >&2
  exit 2
fi
: "${ASSAY_URL:?the URL of an Assay, as npm run local prints it}" "${ASSAY_KEY:?an admin key of it}"
python=$1
shift

if [[ ${ASSAY_PIP:-} == *uv* ]]; then
  $ASSAY_PIP install --quiet --python "$python" --no-deps --reinstall-package assay-mlflow "$here"
else
  ${ASSAY_PIP:-"$python" -m pip} install --quiet --no-deps --force-reinstall "$here"
fi
exec "$python" -m pytest -p no:cacheprovider "$here/tests" "$@"
