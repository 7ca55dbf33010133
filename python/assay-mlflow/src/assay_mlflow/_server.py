"""Which server is behind the tracking URI, and requests to Assay's own API."""

from __future__ import annotations

from typing import Any

_is_assay: dict[str, bool] = {}

# Sent again only when the server says that it did not process the request.
_NOT_PROCESSED = frozenset({408, 429})


def is_assay(tracking_uri: str | None = None) -> bool:
    """Whether Assay answers there; asked once per URI and process. Without a definite answer: no, and asked again next time."""
    from mlflow.tracking._tracking_service.utils import _resolve_tracking_uri
    from mlflow.utils.uri import is_http_uri

    uri = _resolve_tracking_uri(tracking_uri)
    if not is_http_uri(uri):
        return False
    if uri not in _is_assay:
        answer = _ask_store_type(uri)
        if answer is None:
            return False
        _is_assay[uri] = answer == "Assay"
    return _is_assay[uri]


def _ask_store_type(tracking_uri: str) -> str | None:
    """`store_type` of MLflow's server-info (MLflow 3.16), empty from servers that have none, None while it cannot be said."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.rest_utils import http_request

    try:
        response = http_request(
            _host_creds(tracking_uri), "/api/3.0/mlflow/server-info", "GET", max_retries=2, raise_on_status=False
        )
    except MlflowException:
        return None
    if response.status_code == 404:
        return ""
    if response.status_code != 200:
        return None
    try:
        return str(response.json().get("store_type", ""))
    except (ValueError, AttributeError):
        return ""


def require_assay(what: str) -> None:
    """
    Raises:
        mlflow.MlflowException: the tracking URI is Databricks, or no server of Assay.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import get_tracking_uri
    from mlflow.utils.uri import is_databricks_uri

    uri = get_tracking_uri()
    if is_databricks_uri(uri):
        raise MlflowException.invalid_parameter_value(
            f"{what} of assay-mlflow is for Assay, but the tracking URI is '{uri}': use the databricks-agents package there"
        )
    if not is_assay(uri):
        raise MlflowException.invalid_parameter_value(
            f"{what} needs Assay: the tracking URI '{uri}' is no server of Assay, or does not answer. "
            "Call mlflow.set_tracking_uri() with Assay's URL, and set MLFLOW_TRACKING_TOKEN to one of its keys"
        )


def resolve_experiment_id(experiment_id: str | None) -> str:
    """By default the active experiment, as in MLflow's own functions."""
    from mlflow.tracking.fluent import _get_experiment_id

    return str(experiment_id or _get_experiment_id())


def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Sends JSON to Assay's own API with the credentials of the MLflow client.

    Raises:
        mlflow.exceptions.RestException: the server refuses.
    """
    from mlflow.tracking import get_tracking_uri
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    response = http_request(
        _host_creds(get_tracking_uri()),
        path,
        "POST",
        json=body,
        retry_codes=_NOT_PROCESSED,
        raise_on_status=False,
    )
    return verify_rest_response(response, path).json()


def _host_creds(tracking_uri: str) -> Any:
    from mlflow.tracking._tracking_service.utils import _get_store

    return _get_store(tracking_uri).get_host_creds()
