"""Tests of manager/planner."""
