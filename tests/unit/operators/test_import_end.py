"""The items of an import at its end, and an import that nobody waits for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.exceptions import CgcBadInput, CgcJobsNotYetKnown
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator

HOW: dict[str, Any] = {"task_id": "t", "volume": "lab/archive", "project": "lab/project"}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of one item, and a connection for its task."""
    connection = {"conn_type": "cgc", "password": "token-of-nobody", "extra": {"platform": "cgc"}}
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))
    path = tmp_path / "items.jsonl"
    path.write_text('{"location": "a.bam"}\n')
    return path


@pytest.mark.parametrize("text", [None, "", "{}\n", "no JSON\n"])
def test_source_that_is_gone_at_the_end(source: Path, text: str | None) -> None:
    """The jobs have ended: a source that cannot be read any more is no wrong input, and may come back."""
    operator = CgcBulkImportOperator(manifest=f"file://{source}", **HOW)
    order: Any = operator.order_at_end({}, ended=True)  # type: ignore[typeddict-item]  # no context is needed
    if text is None:
        source.unlink()
    else:
        source.write_text(text)

    with pytest.raises(CgcJobsNotYetKnown, match="cannot be read again"):
        order._read_again()


@pytest.mark.parametrize("described", [{"metadata": {"k": "v"}}, {"tags": ["x"]}])
def test_own_metadata_need_a_wait(described: dict[str, Any]) -> None:
    """Nobody would set the metadata of an item if its task does not wait."""
    operator = CgcBulkImportOperator(items=[{"location": "a.bam", **described}], wait=False, **HOW)

    with pytest.raises(CgcBadInput, match="nobody sets metadata and tags"):
        operator.read_items()
