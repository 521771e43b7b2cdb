"""The custom resources as pydantic models, and how they become CRDs."""
