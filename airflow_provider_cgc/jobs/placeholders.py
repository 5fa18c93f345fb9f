"""Texts with placeholders in braces, such as "{path}/{name}", and the rules for the paths that they make.

Pure: each kind of item has its own placeholders, and gives their values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from airflow_provider_cgc.jobs.forms import did_you_mean
from airflow_provider_cgc.jobs.text import BadInput, shown

_TOKEN = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<field>[^{}]*)\}|(?P<slash>/)|(?P<literal>[^{}/]+)|(?P<stray>[{}])")
# Also the halves of surrogate pairs, which JSON can hold and UTF-8 cannot.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no path may have."""
_IN_A_DAG = {"{": "{{ '{{' }}", "}": "}}"}
"""A literal brace as a Dag writes it: Jinja, to which two braces are a template, renders the text first."""


class BadTarget(BadInput):
    """A wrong template, or an item for which it gives nothing usable; the text says which one, why, and what to do."""


def path_problem(path: str, *, thing: str, at_end: str) -> str | None:
    """
    Return the problem of a path and its remedy, to follow the path's name; None if there is none.

    :param thing: the word for what the path names.
    :param at_end: the problem of a slash at the end, which names a folder, and its remedy.
    """
    segments = path.split("/")
    control = CONTROL.search(path)
    if not path:
        return f"is empty; give the {thing} a name"
    if control:
        return f"has the control character {control[0]!r} at position {control.start() + 1}; remove it"
    if re.match(r"\w+://", path):
        return "is a whole address; give only what comes after the volume's bucket and prefix"
    if not segments[0]:
        return "starts with a slash, which would make a folder without a name; remove it"
    if not segments[-1]:
        return at_end
    if "" in segments:
        return "has two slashes in a row, which would make a folder without a name; remove one"
    if "." in segments or ".." in segments:
        return "has '.' or '..' for a folder or name, which many tools take for another place; write the place out"
    return None


class _Part(NamedTuple):
    """A piece of a segment: the user's own text, or the name of a field."""

    text: str
    is_field: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders. Each kind of template says which these are. Raises BadTarget for a wrong text."""

    text: str
    segments: tuple[tuple[_Part, ...], ...] = field(init=False, repr=False, compare=False)
    """The parts of each folder, and of the name."""

    NOUN: ClassVar[str] = "text"
    """The word for such a text, for messages."""
    FIELDS: ClassVar[tuple[str, ...]] = ()
    FAMILY: ClassVar[str] = ""
    """The beginning of the placeholders that end with a key of the user's, such as "metadata."."""

    def __post_init__(self) -> None:
        # A frozen class has to set a computed field in this way.
        object.__setattr__(self, "segments", tuple(self._segments()))

    @property
    def fields(self) -> frozenset[str]:
        """The facts that each item must have: "name", "path", "metadata.sample_id" ..."""
        return frozenset(part.text for parts in self.segments for part in parts if part.is_field)

    def fill(self, value_of: Callable[[str], str]) -> str:
        """Return the text; a folder made only of empty fields is left out together with its slash."""
        segments = []
        for parts in self.segments:
            text = "".join(value_of(part.text) if part.is_field else part.text for part in parts)
            # A segment without parts is an extra slash in the user's own text; it stays, so that the check finds it.
            if text or not parts:
                segments.append(text)
        return "/".join(segments)

    def _segments(self) -> Iterator[tuple[_Part, ...]]:
        text, noun = self.text, self.NOUN
        if not isinstance(text, str):
            raise BadTarget(f"the {noun} is {shown(text)}, of type {type(text).__name__}; give text")
        parts: list[_Part] = []
        for token in _TOKEN.finditer(text):
            if token["slash"]:
                yield tuple(parts)
                parts = []
            elif token["stray"]:
                raise BadTarget(
                    f"the {noun} {shown(text)} has a single {token['stray']!r} at position {token.start() + 1};"
                    f" complete the field, or, for the character itself, write {_IN_A_DAG[token['stray']]} in the Dag"
                )
            elif token["field"] is not None:
                parts.append(_Part(self._known_field(token["field"]), is_field=True))
            else:
                parts.append(_Part(token["literal"] or token["brace"][0], is_field=False))
        yield tuple(parts)

    def _known_field(self, name: str) -> str:
        about = f"the {self.NOUN} {shown(self.text)}"
        if ":" in name or "!" in name:
            raise BadTarget(f"{about} formats the field {shown(name)}; fields are taken as they are")
        if name in self.FIELDS or (name.startswith(self.FAMILY) and name[len(self.FAMILY) :].strip()):
            return name
        known = ", ".join(f"{{{one}}}" for one in (*self.FIELDS, f"{self.FAMILY}KEY"))
        close = did_you_mean(name, self.FIELDS)
        raise BadTarget(f"{about} has the unknown field {shown(name)}; the fields are {known}{close}")


def single_text(value: object, *, about: str, field: str, noun: str, otherwise: str, slashes: bool = False) -> str:
    """
    Return the value of a placeholder as text.

    :param about: the item's name, for messages.
    :param field: the placeholder in words.
    :param noun: the word for the template.
    :param otherwise: what else the user can do, after a comma.
    :param slashes: it may have some.
    :raises BadTarget: if it is missing or empty, no single text, or has a slash that would make a folder.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise BadTarget(f"{about} has no {field}, which the {noun} needs; set it, {otherwise}")
    if not isinstance(value, str):
        raise BadTarget(
            f"{about} has {shown(value)} for {field}, which is no single text; use another field, {otherwise}"
        )
    if "/" in value and not slashes:
        raise BadTarget(
            f"{about} has {shown(value)} for {field}: its slash would make a folder; use another field, {otherwise}"
        )
    return value
