"""Knows a CGC that fits in a test: a local server that behaves as documented, and fails on demand."""

from __future__ import annotations

from airflow_provider_cgc.emulator.server import CgcEmulator

__all__ = ["CgcEmulator"]
