"""Directives for tables that the package has already: remedies, platforms, and the fields of a connection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import airflow_provider_cgc
from airflow_provider_cgc.client.errors.codes import REMEDIES, STATUS_REMEDIES
from airflow_provider_cgc.client.platforms import PLATFORMS


class Table(SphinxDirective):
    """A table whose rows come from the package; a cell is reStructuredText."""

    head: Sequence[str]
    widths: Sequence[int]

    def rows(self) -> Iterable[Sequence[str]]:
        """The cells of each row."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Build the table by the directive that one would write by hand."""
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, self.widths))}", ""]
        for row in (self.head, *self.rows()):
            lines += [f"   {'*' if not number else ' '} - {cell}" for number, cell in enumerate(row)]
        return self.parse_text_to_nodes("\n".join(lines))


class Remedies(Table):
    """The platform's codes, the advice for each, and whether a retry may help."""

    head = ("code", "what to do", "may be temporary")
    widths = (10, 75, 15)

    def rows(self) -> Iterable[Sequence[str]]:
        known = {**REMEDIES, **{f"HTTP {status}": remedy for status, remedy in STATUS_REMEDIES.items()}}
        for code, remedy in known.items():
            name = str(code).lower().replace(" ", "-")
            cell = f".. _code-{name}:\n\n       ``{code}``"  # an address to link to, such as #code-9107
            yield cell, _escaped(remedy.text), "yes" if remedy.may_pass else ""


class Platforms(Table):
    """The platforms that a connection knows by name."""

    head = ("name", "platform", "API")
    widths = (15, 50, 35)

    def rows(self) -> Iterable[Sequence[str]]:
        for one in PLATFORMS.values():
            yield f"``{one.name}``", f"`{one.title} <{one.web_url}>`__", f"``{one.base_url}``"


class ConnectionFields(Table):
    """The fields of the connection form that are kept in its Extra."""

    head = ("field", "key in Extra", "default", "meaning")
    widths = (20, 18, 12, 50)

    def rows(self) -> Iterable[Sequence[str]]:
        fields: dict[str, Any] = airflow_provider_cgc.get_provider_info()["connection-types"][0]["conn-fields"]
        for name, field in fields.items():
            default = field["schema"].get("default")
            shown = "" if default is None else f"``{str(default).lower() if isinstance(default, bool) else default}``"
            yield _escaped(field["label"]), f"``{name}``", shown, _escaped(field["description"])


def _escaped(text: str) -> str:
    """Make reStructuredText of plain text: no markup, no link, and straight quotes, as JSON has them."""
    return re.sub(r"""([\\*`_:"'])""", r"\\\1", text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives."""
    app.add_directive("cgc-remedies", Remedies)
    app.add_directive("cgc-platforms", Platforms)
    app.add_directive("cgc-connection-fields", ConnectionFields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
