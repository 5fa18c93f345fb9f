"""The settings of the documentation site; `make docs` builds it into `docs/_build/html`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sphobjinv

import airflow_provider_cgc

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))
os.environ.setdefault("AIRFLOW_HOME", str(DOCS / "_build" / "airflow"))  # autodoc imports Airflow, which writes there

project = "airflow-provider-cgc"
author = "The airflow-provider-cgc authors"
copyright = author  # Sphinx wants this name
version = release = airflow_provider_cgc.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "myst_parser",  # for the changelog, which is Markdown
    "cgc_tables",
    "accessible",
    "search_codes",
]
exclude_patterns = ["_build", "snippets"]
nitpicky = True
default_role = "code"  # docstrings put names in single backticks
smartquotes = False  # a text stands here as it does in a log

html_theme = "furo"
html_theme_options = {"light_css_variables": {"color-code-background": "#f5f5f5"}}
html_title = f"airflow-provider-cgc {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("search_codes.js", {"defer": "defer"})]
html_show_copyright = False
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor outputs

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it


def _inventory(name: str) -> str:
    """Make the inventory of a project out of the few names of it that we refer to; give its path."""
    made = DOCS / "_build" / "inventories" / f"{name}.inv"
    made.parent.mkdir(parents=True, exist_ok=True)
    listed = sphobjinv.Inventory(DOCS / "inventories" / f"{name}.txt")
    sphobjinv.writebytes(str(made), sphobjinv.compress(listed.data_file()))
    return str(made)


# Kept beside the pages, so that the site is built without a network; a new name is a line there.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", _inventory("python")),
    "airflow": ("https://airflow.apache.org/docs/apache-airflow/stable", _inventory("airflow")),
    "requests": ("https://requests.readthedocs.io/en/latest", _inventory("requests")),
}
