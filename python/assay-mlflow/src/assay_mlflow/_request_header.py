"""Entry point `mlflow.request_header_provider`: loaded when MLflow sends its first request."""

from __future__ import annotations

from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider

from assay_mlflow._version import __version__

HEADER = "X-Assay-MLflow"


class AssayRequestHeaderProvider(RequestHeaderProvider):
    """Tells the server that this client reads what MLflow alone cannot: `X-Assay-MLflow: <version of this package>`."""

    def in_context(self) -> bool:
        from mlflow.tracking import get_tracking_uri
        from mlflow.utils.uri import is_databricks_uri

        return not is_databricks_uri(get_tracking_uri())

    def request_headers(self) -> dict[str, str]:
        return {HEADER: __version__}
