"""What people do with the MLflow client, done with the client that is installed here, against the server of MLFLOW_TRACKING_URI."""
