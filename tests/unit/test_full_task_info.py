"""OpenLineage's full task info of every operator is there, with its secrets masked."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, mask_secret, redact

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor

MAKE: dict[str, Callable[[str], BaseOperator]] = {
    "export": lambda word: CgcBulkExportOperator(
        task_id="t", items=[word], volume="a/b", copy_only=True, properties={"a": word}
    ),
    "import": lambda word: CgcBulkImportOperator(
        task_id="t", items=[word], volume="a/b", project="a/p", metadata={"a": word}
    ),
    "list": lambda word: CgcListFilesOperator(task_id="t", name=word),
    "list_volume": lambda word: CgcListVolumeOperator(task_id="t", volume="a/b", name=word),
    "wait_for_exports": lambda word: CgcBulkExportSensor(task_id="t", export_ids=[word]),
    "wait_for_imports": lambda word: CgcBulkImportSensor(task_id="t", import_ids=[word]),
}
every_operator = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


class FullTaskInfo(dict[str, Any]):
    """An operator as Airflow's OpenLineage provider renders it: its attributes are those of a dict, and in it."""

    def __init__(self, operator: BaseOperator) -> None:
        self.__dict__.update(vars(operator))
        lists = (list, tuple, set)
        super().__init__(
            {key: str(list(value)) if isinstance(value, lists) else value for key, value in vars(operator).items()}
        )


def masked(info: FullTaskInfo) -> Any:
    """Mask an info as that provider does."""
    try:
        json.dumps(info)
    except (TypeError, ValueError):
        return redact(info)
    return info  # its attributes are masked there, what it holds is not


def test_all_operators_are_seen() -> None:
    told = get_provider_info()
    modules = {name for kind in ("operators", "sensors") for one in told[kind] for name in one["python-modules"]}

    assert {type(make("a")).__module__ for make in MAKE.values()} == modules


@every_operator
def test_no_method_is_hidden(make: Callable[[str], BaseOperator]) -> None:
    """No attribute is a method of a mapping."""
    assert not vars(make("a")).keys() & set(dir(dict)) - {"__doc__"}


def test_no_hook_method_is_hidden() -> None:
    """No attribute of the hook is a dict method."""
    assert not vars(CgcHook("cgc_default")).keys() & set(dir(dict))


@every_operator
def test_info_is_masked(make: Callable[[str], BaseOperator]) -> None:
    secret = f"secret{secrets.token_hex(8)}"
    mask_secret(secret)

    info = masked(FullTaskInfo(make(secret)))

    assert info["task_id"] == "t"
    assert "***" in str(info)
    assert secret not in str(info)


def test_items_stay_what_they_were() -> None:
    operator = CgcBulkExportOperator(task_id="t", items=["a"], volume="a/b", copy_only=True)

    operator.items = ["b"]

    assert operator.items == ["b"]
    assert "items" in operator.template_fields
    assert "items" in inspect.signature(CgcBulkExportOperator.__init__).parameters
