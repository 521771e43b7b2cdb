"""Tests of agent/planner."""
