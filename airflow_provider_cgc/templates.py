"""Text and templates: finding templates in arguments, and rendering that keeps text as text in a native Dag.

With `render_template_as_native_obj=True` Airflow reads every text as a Python literal, "2026_11" as the number 202611
and "None" as None. Here a template that is a single object gives that object, and text stays text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from numbers import Number
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

_USUAL = {"variable_start_string": "{{", "block_start_string": "{%", "comment_start_string": "{#"}
_OPTIONAL = ("line_statement_prefix", "line_comment_prefix")
_OFTEN_CHOSEN = ("[[", "[%", "<<", "<%", "((", "${")
"""Marks that Dags often choose instead of braces; they count as long as an operator's Dag is not known."""
_LAST_NEWLINE = re.compile(r"(\r\n|\r|\n)\Z")
_DEEPEST = 20
"""Levels of lists within lists in which templates are looked for, because a list may contain itself."""


class TextTemplates:
    """
    An operator whose text arguments stay text, whether its Dag is native or not.

    A literal stays as it is written in the Dag, except for a newline at its end, which Jinja drops, too. Text, numbers
    and flags that a template writes are text ("2026_11" and not 202611). A template that consists of one object, such
    as a list, gives that object in a native Dag.
    """

    template_ext: Any = ()

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Leave literal text and paths as they are, render text of a native Dag here, and leave the rest to Airflow."""
        if isinstance(content, str) and id(content) not in (seen_oids or ()):
            jinja_env = self._environment(jinja_env)
            is_file = bool(self.template_ext) and content.endswith(tuple(self.template_ext))
            if not is_file and not _has(content, marks_of(jinja_env)):
                return content if jinja_env.keep_trailing_newline else without_last_newline(content)
            if _is_native(jinja_env):
                template = jinja_env.get_template(content) if is_file else jinja_env.from_string(content)
                return _rendered(template, context)
        if isinstance(content, PurePath) and not _is_storage(content):
            return content  # Airflow 3.0 calls its method `resolve`, which fails if there is no such file
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]  # of Airflow

    def _environment(self, given: jinja2.Environment | None) -> jinja2.Environment:
        """Return the environment to render in: on Airflow 3.3 an operator may choose another one than its Dag."""
        chosen = getattr(self, "render_template_as_native_obj", None)
        if given is None or (chosen is not None and chosen != _is_native(given)):
            return self.get_template_env()  # type: ignore[attr-defined,no-any-return]  # of Airflow
        return given


def marks_of(options: jinja2.Environment | Mapping[str, Any]) -> tuple[str, ...]:
    """Return the marks that make a text a template, of an environment or of a Dag's `jinja_environment_kwargs`."""
    names = (*_USUAL, *_OPTIONAL)
    given = options if isinstance(options, Mapping) else {name: getattr(options, name) for name in names}
    return tuple(mark for name in names if (mark := given.get(name, _USUAL.get(name))))


def marks_in_dag(task: Any) -> tuple[str, ...]:
    """Return the marks of an operator's Dag, as far as they are known when the operator is made."""
    dag = task.get_dag()
    return marks_of({}) + _OFTEN_CHOSEN if dag is None else marks_of(dag.jinja_environment_kwargs or {})


def without_last_newline(value: Any) -> Any:
    """Return a literal, or a list or dict of them, as Jinja would: without the newline at the end of each text."""
    if isinstance(value, str):
        return _LAST_NEWLINE.sub("", value) if value.endswith(("\n", "\r")) else value
    if type(value) is dict:
        return {key: without_last_newline(one) for key, one in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(without_last_newline, value))
    return value


def is_literal(value: Any, *, marks: Iterable[str], files: Iterable[str] = (), depth: int = 0) -> bool:
    """
    Return True if the task will certainly see this value: no template, no file, and nothing that is resolved later.

    :param marks: the marks that make a text a template.
    :param files: the ends of names for which Airflow reads a file (`template_ext`).
    """
    if isinstance(value, str):
        return not _has(value, marks) and not value.endswith(tuple(files))
    if value is None or type(value) in (bool, int, float, complex, bytes) or isinstance(value, date | timedelta):
        return True
    if isinstance(value, PurePath):
        return not _has(str(value), marks)
    if depth > _DEEPEST:
        return False
    if type(value) is dict:
        return all(is_literal(one, marks=marks, files=files, depth=depth + 1) for pair in value.items() for one in pair)
    # No other kind of list: some load their entries from elsewhere, or can be read only once.
    if type(value) in (list, tuple, set, frozenset):
        return all(is_literal(one, marks=marks, files=files, depth=depth + 1) for one in value)
    return False


def _has(text: str, marks: Iterable[str]) -> bool:
    return any(mark in text for mark in marks)


def _is_storage(path: PurePath) -> bool:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return isinstance(path, ObjectStoragePath)


def _is_native(env: jinja2.Environment) -> bool:
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(env, NativeEnvironment)


def _rendered(template: jinja2.Template, context: Context) -> Any:
    """
    Return the one object that a native template consists of, or its text.

    Airflow has no way to render that keeps text. As in Airflow, the context is not copied into a dict, which would load
    everything in it.
    """
    from jinja2 import Undefined

    variables: Any = copy.copy(context)
    variables.update({name: value for name, value in template.globals.items() if name not in variables})
    try:
        parts: list[Any] = list(template.root_render_func(template.new_context(variables, shared=True)))
        if not parts:
            return None
        if len(parts) == 1 and not isinstance(parts[0], str | Number | Undefined):
            return parts[0]
        return "".join(map(str, parts))
    except Exception:  # noqa: BLE001  # raised again, with the template's line in the traceback
        template.environment.handle_exception()
