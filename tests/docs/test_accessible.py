"""The repairs of the site's pages are made, or the build fails where the theme has changed."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from sphinx.errors import ExtensionError

from tests.conftest import ROOT

CAPTION = '<p class="caption" role="heading"><span>Guides</span></p><ul></ul>'
BLOCK = '<div class="highlight"><pre><span></span>code</pre></div>'


@pytest.fixture(scope="module")
def accessible() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accessible", ROOT / "docs" / "_ext" / "accessible.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def repaired(accessible: ModuleType, navigation: str, body: str) -> tuple[str, str]:
    context = {"furo_navigation_tree": navigation, "body": body}
    accessible.repair(None, "index", "page.html", context, None)
    return context["furo_navigation_tree"], context["body"]


def test_page_is_repaired(accessible: ModuleType) -> None:
    navigation, body = repaired(accessible, CAPTION * 2, BLOCK * 2)

    assert navigation.count('role="heading" aria-level="2"') == 2
    assert body.count('<pre tabindex="0">') == 2


def test_page_without_either_is_left(accessible: ModuleType) -> None:
    assert repaired(accessible, "", "<p>text</p>") == ("", "<p>text</p>")


@pytest.mark.parametrize(
    ("navigation", "body", "said"),
    [
        (CAPTION.replace('role="heading"', ""), "", "the navigation tree has no role"),
        (CAPTION.replace("role", 'aria-level="2" role'), "", "the navigation tree has no role"),
        (CAPTION, BLOCK.replace("<pre>", '<pre class="x">'), "its code is in no <pre>"),
    ],
    ids=["no heading", "a level", "other code"],
)
def test_changed_theme_fails_the_build(accessible: ModuleType, navigation: str, body: str, said: str) -> None:
    with pytest.raises(ExtensionError, match=said):
        repaired(accessible, navigation, body)
