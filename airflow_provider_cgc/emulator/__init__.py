"""A CGC that fits in a test: a local server that behaves as documented, and fails on demand."""

from __future__ import annotations

try:
    from airflow_provider_cgc.emulator.server import CgcEmulator
except ModuleNotFoundError as error:
    if (error.name or "").startswith(__name__):
        raise
    raise ImportError(
        f"the emulator needs {error.name}: pip install 'airflow-provider-cgc[emulator]'", name=error.name
    ) from error

__all__ = ["CgcEmulator"]
