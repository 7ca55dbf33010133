#!/usr/bin/env bash
# Installs the clients that the suite runs into .clients/ of the checkout, a virtual environment for each; a marker, written last,
# says it is complete. With the argument mlflow-tests it installs what run-mlflow-tests.sh needs instead. Needs Python 3.10 or newer
# with venv, and PyPI or a mirror that pip is configured for. uv makes the environments: it fetches once what several of them share
# and links it, so that all of them take seconds.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
clients="$(cd "$here/../.." && pwd)/.clients"
uv="$clients/uv/bin/uv"

fail() {
  printf 'install-clients: %s\n' "$1" >&2
  exit 1
}

# once <name> <what it holds> <function>: the function fills "$clients/<name>", which is not there when it begins.
once() {
  local name=$1 holds=$2 install=$3 home="$clients/$1"
  # The constraints are part of what is installed.
  holds="$holds $(cksum <"$here/constraints.txt")"
  if [[ -f "$home/.complete" && "$(<"$home/.complete")" == "$holds" ]]; then
    printf 'install-clients: %s is there\n' "$name"
    return
  fi
  rm -rf "$home"
  local began=$SECONDS
  "$install" "$home" </dev/null
  printf '%s' "$holds" >"$home/.complete"
  printf 'install-clients: %s installed in %ss\n' "$name" $((SECONDS - began))
}

install_uv() {
  command -v python3 >/dev/null || fail 'python3 is not on the path: install Python 3.10 or newer with its venv module'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "Python 3.10 or newer is needed, this is $(python3 --version)"
  python3 -m venv "$1" || fail 'python3 could not make a virtual environment (Debian: install python3-venv)'
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-input uv==0.13.8 ||
    fail 'pip could not install uv; is PyPI, or the index that pip is configured for, within reach?'
}

# packages <home> <requirement…>
packages() {
  local home=$1
  "$uv" venv --quiet --python python3 "$home" || fail "uv could not make $home"
  "$uv" pip install --quiet --python "$home/bin/python" --constraints "$here/constraints.txt" "${@:2}" ||
    fail "uv could not install ${*:2}; is PyPI, or the index that uv is configured for, within reach?"
}

mlflow_3_9_0() { packages "$1" mlflow==3.9.0; }
mlflow_3_10_1() { packages "$1" mlflow==3.10.1; }
mlflow_3_14_0() { packages "$1" mlflow==3.14.0; }
mlflow_3_17_2() { packages "$1" mlflow==3.17.2; }
mlflow_tracing() { packages "$1" mlflow-tracing==3.17.2; }
opentelemetry() { packages "$1" opentelemetry-sdk opentelemetry-exporter-otlp-proto-http; }

# 3.18.0 asks for mlflow-skinny and mlflow-tracing of its own version, which were not published; its wheel holds all of both.
mlflow_3_18_0() {
  packages "$1" mlflow==3.17.2
  "$uv" pip uninstall --quiet --python "$1/bin/python" mlflow mlflow-skinny mlflow-tracing
  "$uv" pip install --quiet --python "$1/bin/python" --no-deps mlflow==3.18.0 || fail 'uv could not install mlflow 3.18.0'
}

# The package of python/assay-mlflow as it stands in the checkout, in environments of its own: the story is told by clients without it.
assay_mlflow() {
  "$uv" pip install --quiet --python "$1/bin/python" --constraints "$here/constraints.txt" pytest
  "$uv" pip install --quiet --python "$1/bin/python" --no-deps --editable "$here/../../python/assay-mlflow" ||
    fail 'uv could not install python/assay-mlflow'
}
assay_mlflow_3_9_0() { mlflow_3_9_0 "$1" && assay_mlflow "$1"; }
assay_mlflow_3_18_0() { mlflow_3_18_0 "$1" && assay_mlflow "$1"; }

# What MLflow's own tests need beside its source.
mlflow_tests() {
  packages "$1" mlflow==3.17.2 pytest pytest-asyncio pytest-timeout httpx psutil opentelemetry-exporter-otlp-proto-http
}

once uv 'uv 0.13.8' install_uv
if [[ "${1:-}" == mlflow-tests ]]; then
  once mlflow-tests 'mlflow 3.17.2 and pytest' mlflow_tests
  exit
fi
once 3.9.0 'mlflow 3.9.0' mlflow_3_9_0
once 3.10.1 'mlflow 3.10.1' mlflow_3_10_1
once 3.14.0 'mlflow 3.14.0' mlflow_3_14_0
once 3.17.2 'mlflow 3.17.2' mlflow_3_17_2
once 3.18.0 'mlflow 3.18.0' mlflow_3_18_0
once tracing-3.17.2 'mlflow-tracing 3.17.2' mlflow_tracing
once assay-mlflow-3.9.0 'mlflow 3.9.0, python/assay-mlflow' assay_mlflow_3_9_0
once assay-mlflow-3.18.0 'mlflow 3.18.0, python/assay-mlflow' assay_mlflow_3_18_0
once opentelemetry 'opentelemetry of the constraints' opentelemetry
