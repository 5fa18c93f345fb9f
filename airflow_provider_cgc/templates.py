"""Text and templates: what in an argument is a template, and rendering that leaves text alone in a native Dag too.

With `render_template_as_native_obj=True` Airflow reads every text as a Python literal, "2026_11" as the number 202611
and "None" as nothing. Here an object that a template gives as a whole stays an object, and text stays text.
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
"""Marks that Dags choose which need the braces for something else; they count while an operator's Dag is not known."""
_LAST_NEWLINE = re.compile(r"(\r\n|\r|\n)\Z")
_DEEPEST = 20
"""Lists within lists in which templates are looked for; a list that holds itself has no end."""


class TextTemplates:
    """
    An operator whose arguments are read as text wherever they are text, whether its Dag is native or not.

    A literal stays as it is written in the Dag, but for a newline at its end, which Jinja drops, too: the lines of a
    file have one. What a template writes as text, a number or a flag is text
    ("2026_11" and not 202611). A template that is nothing but one object, such as a list, gives that object in a native
    Dag.
    """

    template_ext: Any = ()

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Leave literal text as it is, render text of a native Dag here, and all else in Airflow's own way."""
        if isinstance(content, str) and id(content) not in (seen_oids or ()):
            jinja_env = self._environment(jinja_env)
            is_file = bool(self.template_ext) and content.endswith(tuple(self.template_ext))
            if not is_file and not _has(content, marks_of(jinja_env)):
                return content if jinja_env.keep_trailing_newline else without_last_newline(content)
            if _is_native(jinja_env):
                template = jinja_env.get_template(content) if is_file else jinja_env.from_string(content)
                return _rendered(template, context)
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]  # of Airflow

    def _environment(self, given: jinja2.Environment | None) -> jinja2.Environment:
        """Return the environment to render in: on Airflow 3.3 an operator may choose otherwise than its Dag."""
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
    """Return the marks of an operator's Dag, as far as that is known when the operator is made."""
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
    Say whether a value is certainly what the task will see: no template, no file, and nothing that is resolved later.

    :param marks: what makes a text a template.
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
    # No other kind of list: some read what is in them from elsewhere, or only once.
    if type(value) in (list, tuple, set, frozenset):
        return all(is_literal(one, marks=marks, files=files, depth=depth + 1) for one in value)
    return False


def _has(text: str, marks: Iterable[str]) -> bool:
    return any(mark in text for mark in marks)


def _is_native(env: jinja2.Environment) -> bool:
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(env, NativeEnvironment)


def _rendered(template: jinja2.Template, context: Context) -> Any:
    """
    Return the one object that a native template consists of, and otherwise its text.

    Airflow offers no way that leaves text alone. As there, the context is not copied into a dict, which would read
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
