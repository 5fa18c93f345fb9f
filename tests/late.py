"""Operators whose arguments come when the task runs, as from a template or an upstream task."""

from __future__ import annotations

from typing import Any, TypeVar

try:
    from airflow.sdk import literal
except ImportError:
    try:
        from airflow.sdk.definitions.template import literal  # Airflow 3.0
    except ImportError:
        from airflow.utils.template import literal  # Airflow 2.11

T = TypeVar("T")


def late(kind: type[T], *, task_id: str, **arguments: Any) -> T:
    """Make an operator that knows nothing of its templated arguments before it is rendered, and render it."""
    templated: Any = kind
    known = {name: literal(value) if name in templated.template_fields else value for name, value in arguments.items()}
    operator: Any = templated(task_id=task_id, **known)
    operator.render_template_fields({})
    return operator  # type: ignore[no-any-return]  # of that kind
