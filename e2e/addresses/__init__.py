"""Whole labs: which address a Service has, keeps and loses."""
