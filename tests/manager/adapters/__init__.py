"""Tests of manager/adapters."""
