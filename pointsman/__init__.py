"""The language that manager and agent both speak; nothing lives at its root."""
