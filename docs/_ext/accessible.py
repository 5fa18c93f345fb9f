"""Repairs of the pages for people who use a keyboard or a screen reader, where Sphinx and the theme leave something."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

AFTER_THE_THEME = 900
HEADING = 'role="heading"'
CODE = "<pre>"


def repair(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Repair the parts of a page that the theme has made."""
    for part, mend in (("furo_navigation_tree", with_levels), ("body", with_scrollable_code)):
        try:
            context[part] = mend(context.get(part, ""))
        except ValueError as error:
            raise ExtensionError(f"page {page}: {error}; change docs/_ext/accessible.py") from None


def with_levels(navigation: str) -> str:
    """
    Give the sidebar's headings a level.

    :raises ValueError: if there are none, or have one: the theme writes them in another way than it did.
    """
    if not navigation.strip():
        return navigation
    if HEADING not in navigation or "aria-level" in navigation:
        raise ValueError(f"the navigation tree has no {HEADING} that lacks a level")
    return navigation.replace(HEADING, f'{HEADING} aria-level="2"')


def with_scrollable_code(body: str) -> str:
    """
    Let the keyboard scroll long lines of code.

    :raises ValueError: if there is code, and not as Sphinx wrote it so far.
    """
    if 'class="highlight"' in body and CODE not in body:
        raise ValueError(f"its code is in no {CODE}")
    return body.replace(CODE, '<pre tabindex="0">')


def setup(app: Sphinx) -> dict[str, Any]:
    """Repair each page when its theme has made its parts."""
    app.connect("html-page-context", repair, priority=AFTER_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
