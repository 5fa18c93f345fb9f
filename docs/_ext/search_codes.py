"""A search that finds the platform's codes, which Sphinx leaves out as it does all words of digits only.

This is the half of the index; `_static/search_codes.js` is that of the query.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish


class EnglishWithCodes(SearchEnglish):
    """English, in which a number is a word."""

    def word_filter(self, word: str) -> bool:
        """Return True if a word is in the index."""
        return word not in self.stopwords


def setup(app: Sphinx) -> dict[str, Any]:
    """Search in this language instead of Sphinx's English."""
    app.add_search_language(EnglishWithCodes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
