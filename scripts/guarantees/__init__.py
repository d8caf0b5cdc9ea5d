"""Checks Marmot's guarantees on real processes: see docs/testing.md."""
