"""Tests of agent/responder."""
