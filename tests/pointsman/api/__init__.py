"""The custom resources: models, rules and CRDs."""
