"""axe-core in a page: what it finds there that keeps somebody out."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
"""The impacts that count, in axe-core's words: https://github.com/dequelabs/axe-core/blob/develop/doc/issue_impact.md."""
PAGE_RULES = ("page-has-heading-one", "region", "bypass")
"""Rules about whole pages, which a part of a page cannot keep."""


def serious(page: Page, root: str | None = None) -> list[str]:
    """
    Let axe-core look at a page; return a line for each element with something serious or critical.

    :param root: the CSS selector of the part of the page that is looked at; all of it by default.
    """
    rules = {name: {"enabled": False} for name in PAGE_RULES} if root else {}
    found = Axe().run(page, context=root, options={"resultTypes": ["violations"], "rules": rules}).response
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
