"""The API's languages: patches, selectors, JSONPath, Go's types, errors."""
