#!/usr/bin/env bash
# Installs the engines of the strict tier into .engines/ of the checkout, each once; a marker, written last, says it is complete.
# Needs a JDK of 17 or newer, Maven, and Python 3.10 or newer with venv. An engine that cannot be had fails the job.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
engines="$(cd "$here/../.." && pwd)/.engines"

fail() {
  printf 'install-engines: %s\n' "$1" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || fail "$1 is not on the path: $2"
}

# once <name> <version> <function>: the function fills "$engines/<name>", which is empty when it begins.
once() {
  local name=$1 version=$2 install=$3 home="$engines/$1"
  if [[ -f "$home/.complete" && "$(<"$home/.complete")" == "$version" ]]; then
    printf 'install-engines: %s %s is there\n' "$name" "$version"
    return
  fi
  rm -rf "$home"
  mkdir -p "$home"
  local began=$SECONDS
  "$install" "$home" "$version" </dev/null
  printf '%s' "$version" >"$home/.complete"
  printf 'install-engines: %s %s installed in %ss\n' "$name" "$version" $((SECONDS - began))
}

dynamodb_local() {
  need java 'install a JDK of 17 or newer (Debian: openjdk-17-jdk-headless)'
  need mvn 'install Maven (Debian: maven)'
  # copy-dependencies brings the native SQLite library along.
  mvn -q -B -f "$here/dynamodb-local.pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DoutputDirectory="$1/lib" || fail "Maven could not fetch DynamoDB Local $2; is Maven Central, or a mirror in ~/.m2/settings.xml, within reach?"
  compgen -G "$1/lib/DynamoDBLocal-$2.jar" >/dev/null || fail "Maven left no DynamoDBLocal-$2.jar in $1/lib"
}

# venv <home> <requirement…>
venv() {
  local home=$1
  need python3 'install Python 3.10 or newer with its venv module (Debian: python3-venv)'
  python3 -m venv "$home" || fail "python3 could not make a virtual environment (Debian: install python3-venv)"
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-input "${@:2}" ||
    fail "pip could not install ${*:2}; is PyPI, or the index that pip is configured for, within reach?"
}

moto() {
  # The server with the services that our adapters use, and with state machines, whose JSONata moto leaves to others.
  venv "$1" "moto[server,s3,sqs,stepfunctions]==${2%% *}" joserfc==1.8.0 jsonata-python==0.7.1
  "$1/bin/python" -c 'import moto.server, jsonata' || fail 'moto was installed but cannot be loaded'
}

cfn_lint() {
  venv "$1" "cfn-lint==$2"
  "$1/bin/cfn-lint" --version >/dev/null || fail 'cfn-lint was installed but does not run'
}

once dynamodb-local 3.3.1 dynamodb_local
once moto '5.2.5 with state machines' moto
once cfn-lint 1.58.0 cfn_lint
