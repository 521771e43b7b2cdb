"""Tests of pointsman."""
