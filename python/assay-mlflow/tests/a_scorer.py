"""A file of its own: the source of a scorer must be readable."""

from mlflow.genai.scorers import scorer


@scorer
def is_polite(outputs) -> bool:
    return "please" in outputs
