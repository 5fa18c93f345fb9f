"""No key that is accepted breaks a rule, whatever the template, the names, the folders and the metadata are."""

from __future__ import annotations

import unicodedata

from hypothesis import assume, example, given
from hypothesis import strategies as st

from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import (
    MOST_BYTES,
    LocationTemplate,
    check_key,
    clashes,
    targets,
)
from airflow_provider_cgc.jobs.placeholders import BadTarget

pieces = st.sampled_from(["a", "/", ".", "..", "ü", "{{", "}}", " ", "{name}", "{path}", "{metadata.x}", "{id}"])
templates = st.lists(pieces, max_size=8).map("".join)
odd = st.text(alphabet=st.sampled_from("ab/. ü\u0301\x00\n\ud800{}"), max_size=6)
values = odd | st.text(max_size=400)


def breaks_a_rule(key):
    """The rules, said another way than the code says them."""
    folders = key.split("/")
    return (
        not all(folders)
        or bool({".", ".."} & set(folders))
        or any(unicodedata.category(char) in ("Cc", "Cs") for char in key)
        or len(key.encode("utf-8", "surrogatepass")) > MOST_BYTES
    )


@given(key=values | st.text(min_size=300, max_size=1100))
@example("x" * MOST_BYTES)
@example("x" * (MOST_BYTES + 1))
def test_accepted_if_no_rule_bends(key):
    """A key is accepted exactly if it breaks no rule."""
    assert (check_key(key) is not None) == breaks_a_rule(key)


@given(text=templates, name=values, path=values, metadata=values | st.none() | st.lists(odd))
def test_template_keys_are_good(text, name, path, metadata):
    try:
        template = LocationTemplate(text)
        key = template.render(ExportItem("f1", path=path), File(id="f1", name=name, metadata={"x": metadata}))
    except BadTarget:
        assume(False)

    assert not breaks_a_rule(key)
    for field, value in (("name", name), ("metadata.x", metadata)):
        assert field not in template.fields or value in key


@given(text=st.text(alphabet=st.sampled_from("{}/an:!"), max_size=12))
def test_any_text_is_judged(text):
    """Any text is a template, or refused in words."""
    try:
        template = LocationTemplate(text)
    except BadTarget:
        return

    assert template.fields <= {"name", "path", "project", "id"}


@given(text=st.text(alphabet=st.sampled_from("ab/{}. "), min_size=1, max_size=12))
def test_doubled_braces_are_text(text):
    assume(check_key(text) is None)

    assert LocationTemplate(text.replace("{", "{{").replace("}", "}}")).render(ExportItem("f1")) == text


@given(
    places=st.lists(
        st.tuples(st.sampled_from(["f1", "f2", "f3"]), st.sampled_from("aAbé"), st.sampled_from([None, "o/v"])),
        max_size=6,
    )
)
def test_accepted_if_places_differ(places):
    """Items are accepted exactly if each has a place of its own."""
    items = [ExportItem(file, location=key, volume=volume) for file, key, volume in places]

    result = targets(items, template=LocationTemplate("{name}"), volume="o/w")

    wanted = [(volume or "o/w", key) for _, key, volume in places]
    assert (clashes(result.items) == []) == (len(set(wanted)) == len(wanted))
    assert [(item.volume, item.location) for item in result.items] == wanted
