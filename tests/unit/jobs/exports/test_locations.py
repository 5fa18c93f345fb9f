"""The location of each file: the template's fields, forbidden keys, and no two files to one key."""

from __future__ import annotations

import unicodedata

import pytest

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

A = "65a1b2c3d4e5f60718293a4b"
B = "65a1b2c3d4e5f60718293a4c"
VOLUME = "mcurie/radium_out"

ITEM = ExportItem(A, name="a.bam", path="runs/7", project="mcurie/radium")
FILE = File(
    id=A,
    name="a.bam",
    project="mcurie/radium",
    metadata={
        "sample_id": "TCGA-1",
        "lane": 3,
        "gone": None,
        "blank": " ",
        "many": ["x", "y"],
        "cut": "a/b",
        "yes": True,
    },
)


def rendered(text, item=ITEM, file=FILE):
    return LocationTemplate(text).render(item, file)


def named(file_id, name, **more):
    return ExportItem(file_id, name=name, path="", **more)


def placed(*items, template="{path}/{name}", volume=VOLUME, files=None):
    found = targets(items, template=LocationTemplate(template), volume=volume, files=files)
    assert (found.unplaced, found.problems) == ([], [])
    return found


def refusal(*items, template="{path}/{name}", volume=VOLUME, **more):
    """Return the problems of items that have no place of their own."""
    found = targets(items, template=LocationTemplate(template), volume=volume, **more)
    return "\n".join([*(reason for _, reason in found.unplaced), *found.problems, *clashes(found.items)])


class TestTemplate:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("{path}/{name}", "runs/7/a.bam"),
            ("{name}", "a.bam"),
            ("archive/{project}/{path}/{name}", "archive/radium/runs/7/a.bam"),
            ("{id}-{name}", f"{A}-a.bam"),
            ("{metadata.sample_id}/{name}", "TCGA-1/a.bam"),
            ("lane{metadata.lane}/{name}", "lane3/a.bam"),
            ("{{{name}}}", "{a.bam}"),
            ("{{name}}", "{name}"),
            ("x y/ä{name}.gz", "x y/äa.bam.gz"),
        ],
    )
    def test_fields_are_known_facts(self, text, key):
        """Each field stands for a fact that is known of the file."""
        assert rendered(text) == key

    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("{path}/{name}", "a.bam"),
            ("x/{path}/{name}", "x/a.bam"),
            ("{name}/{path}", "a.bam"),
            ("{path}/{path}/{name}", "a.bam"),
            ("{path}{path}/{name}", "a.bam"),
            ("in-{path}/{name}", "in-/a.bam"),
            ("{path}{name}", "a.bam"),
        ],
    )
    def test_empty_folder_goes_away(self, text, key):
        """A folder of nothing but empty fields goes away with its slash."""
        assert rendered(text, named(A, "a.bam")) == key

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "is empty"),
            ("/{name}", "starts with a slash"),
            ("{path}//{name}", "has two slashes in a row"),
            ("{name}/", "ends with a slash"),
            ("/", "starts with a slash"),
            ("../{name}", "has '.' or '..'"),
            ("x/./{name}", "has '.' or '..'"),
            ("a\n{name}", "has the control character '\\n' at position 2"),
            ("x" * MOST_BYTES + "{name}", "has 1025 bytes in UTF-8"),
            (
                "{path}/{nmae}",
                "has the unknown field 'nmae'; the fields are {name}, {path}, {project}, {id}, {metadata.KEY}",
            ),
            ("{}", "has the unknown field ''"),
            ("{ name }", "has the unknown field ' name '"),
            ("{name.upper}", "has the unknown field 'name.upper'"),
            ("{metadata}", "has the unknown field 'metadata'"),
            ("{metadata.}", "has the unknown field 'metadata.'"),
            ("{metadata[x]}", "has the unknown field 'metadata[x]'"),
            ("{name:>10}", "formats the field 'name:>10'"),
            ("{name:}", "formats the field 'name:'"),
            ("{name!r}", "formats the field 'name!r'"),
            ("{metadata.x:d}", "formats the field 'metadata.x:d'"),
            ("{name", "has a single '{' at position 1; complete the field, or"),
            ("x}", "has a single '}' at position 2; complete the field, or"),
            ("{{{name}}", "has a single '}' at position 9"),
            ("{na{name}me}", "has a single '{' at position 1"),
            (None, "is None, of type NoneType; give text"),
            (7, "is 7, of type int; give text"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_bad_template_is_refused(self, text, told):
        """A template that is wrong for every file is refused when it is made."""
        with pytest.raises(BadTarget) as refused:
            LocationTemplate(text)

        assert told in str(refused.value)
        assert len(str(refused.value)) < 400

    def test_says_what_it_needs(self):
        assert LocationTemplate("x/{path}/{metadata.a b}/{{id}}").fields == {"path", "metadata.a b"}

    @pytest.mark.parametrize(
        ("text", "item", "told"),
        [
            ("{metadata.case_id}/{name}", ITEM, "has no metadata field 'case_id', which the location needs"),
            ("{metadata.gone}/{name}", ITEM, "has no metadata field 'gone'"),
            ("{metadata.blank}/{name}", ITEM, "has no metadata field 'blank'"),
            ("{metadata.many}/{name}", ITEM, "has ['x', 'y'] for metadata field 'many', which is no single text"),
            ("{metadata.yes}/{name}", ITEM, "has True for metadata field 'yes', which is no single text"),
            ("{metadata.cut}/{name}", ITEM, "has 'a/b' for metadata field 'cut': its slash would make a folder"),
            ("{path}/{name}", ExportItem(A), "has no known 'path', which the location needs"),
        ],
    )
    def test_missing_field_is_named(self, text, item, told):
        """A missing field, or one that is no single name, is an error with its file."""
        with pytest.raises(BadTarget) as refused:
            rendered(text, item)

        assert str(refused.value).startswith(f"file {A} ('a.bam') has")
        assert told in str(refused.value)
        assert "or give this item a 'location' of its own" in str(refused.value)

    @pytest.mark.parametrize("field", ["name", "project", "metadata.x"])
    def test_no_lookup_needs_items(self, field):
        """Without a look-up a field is known only if the item tells it."""
        with pytest.raises(BadTarget, match=f"file {A} has no .*which the location needs"):
            LocationTemplate(f"{{{field}}}").render(ExportItem(A))

    def test_slash_makes_no_folder(self):
        with pytest.raises(BadTarget, match=r"has 'b/a\.bam' for 'name': its slash would make a folder"):
            rendered("{path}/{name}", named(A, "b/a.bam"), None)

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/runs", "starts with a slash"),
            ("runs/", "has two slashes in a row"),
            ("../runs", "has '.' or '..'"),
            ("x" * 1024, "has 1030 bytes"),
        ],
    )
    def test_bad_path_has_its_key(self, path, told):
        with pytest.raises(BadTarget) as refused:
            rendered("{path}/{name}", ExportItem(A, name="a.bam", path=path))

        assert f"file {A} ('a.bam') would go to '{path[:20]}" in str(refused.value)
        assert told in str(refused.value)

    def test_platforms_word_counts(self):
        file = File(id=A, name="new.bam", project="mcurie/polonium")

        assert rendered("{project}/{name}", ITEM, file) == "polonium/new.bam"

    def test_item_fills_the_gaps(self):
        assert rendered("{project}/{name}", ITEM, File(id=A)) == "radium/a.bam"


@pytest.mark.parametrize(
    "key",
    ["a", "a/b", ".a/b..", "...", " ", "a b/ü.bam", "{x}", "x" * MOST_BYTES, "ü" * (MOST_BYTES // 2), "a\\b", "~"],
)
def test_good_key_is_good(key):
    assert check_key(key) is None


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "is empty"),
        ("/", "starts with a slash"),
        ("/a", "starts with a slash"),
        ("a/", "ends with a slash"),
        ("a//b", "has two slashes in a row"),
        (".", "has '.' or '..'"),
        ("..", "has '.' or '..'"),
        ("a/../b", "has '.' or '..'"),
        ("a/./b", "has '.' or '..'"),
        ("a/..", "has '.' or '..'"),
        ("a\x00b", "has the control character '\\x00' at position 2"),
        ("a\tb", "has the control character '\\t'"),
        ("a\x7f", "has the control character '\\x7f'"),
        ("a\x85", "has the control character '\\x85'"),
        ("a\ud800", "has the control character '\\ud800'"),
        ("x" * (MOST_BYTES + 1), "has 1025 bytes in UTF-8, and object stores take at most 1024"),
        ("ü" * (MOST_BYTES // 2) + "x", "has 1025 bytes in UTF-8"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bad_key_is_told(key, told):
    problem = check_key(key)

    assert told in problem
    assert ";" in problem or "remove it" in problem or "another place" in problem


class TestTargets:
    def test_items_get_their_place(self):
        """Every item gets its volume and its key."""
        own = ExportItem(B, location="own/{name}", volume="mcurie/other")
        files = {A: File(id=A, name="new.bam", size=7), B: File(id=B, name="b.bam")}

        result = placed(ITEM, own, files=files)

        assert result.items == [
            ExportItem(A, "runs/7/new.bam", VOLUME, name="new.bam", size=7, path="runs/7", project="mcurie/radium"),
            ExportItem(B, "own/{name}", "mcurie/other", name="b.bam"),
        ]
        assert result.warnings == []

    def test_own_location_is_enough(self):
        """An item with a location of its own needs nothing of the template."""
        assert [item.location for item in placed(ExportItem(A, location="a.bam")).items] == ["a.bam"]

    def test_nothing_is_not_wrong(self):
        assert placed().items == []

    def test_two_files_to_one_key(self):
        """Two files to one key are refused with both names."""
        told = refusal(named(A, "x.bam", line="item 1"), ExportItem(B, name="y.bam", location="x.bam", line="item 2"))

        assert told == (
            f"two files go to one key, 'x.bam' on {VOLUME}: item 1, file {A} ('x.bam'); item 2, file {B}"
            " ('y.bam'): give each a 'location' of its own, or put {path} or {id} into the template"
        )

    def test_one_file_twice(self):
        """One file to one key twice is refused in other words."""
        told = refusal(named(A, "x.bam", line="item 1"), named(A, "x.bam", line="item 2"))

        assert "one file goes to one key more than once, 'x.bam'" in told
        assert "item 1, file" in told
        assert "item 2, file" in told
        assert told.endswith("give it once")

    def test_more_than_two_counted(self):
        crowd = [ExportItem(f"{number:024x}", location="x", line=f"item {number}") for number in range(1, 41)]

        told = refusal(*crowd)

        assert "40 items go to one key, 'x'" in told
        assert "item 10, " in told
        assert "item 11, " not in told
        assert "30 more" in told

    @pytest.mark.parametrize(
        "other",
        [
            ExportItem(B, location="A.bam"),
            ExportItem(B, location="a.bam", volume="mcurie/other"),
            ExportItem(A, location="b.bam"),
        ],
        ids=["case", "volume", "key"],
    )
    def test_other_places_are_apart(self, other):
        """Another case, another volume and another key are other places."""
        result = placed(ExportItem(A, location="a.bam"), other)

        assert (len(result.items), result.warnings) == (2, [])

    def test_spellings_are_warned_of(self):
        """Two spellings of one accent are two keys and worth a warning."""
        composed = unicodedata.normalize("NFC", "é.bam")

        result = placed(named(A, composed), named(B, unicodedata.normalize("NFD", composed)))

        assert len({item.location for item in result.items}) == 2
        assert len(result.warnings) == 1
        assert (
            f"1 of the keys are there in spellings that look the same (Unicode NFC and NFD): '{composed}'"
            in (result.warnings[0])
        )

    def test_spellings_per_volume(self):
        composed = unicodedata.normalize("NFC", "é.bam")
        other = ExportItem(B, location=unicodedata.normalize("NFD", composed), volume="mcurie/other")

        assert placed(named(A, composed), other).warnings == []

    def test_look_alikes_are_few(self):
        """Many look-alikes make one short warning."""
        names = [f"{number}é" for number in range(50)]
        twins = [unicodedata.normalize(form, name) for name in names for form in ("NFC", "NFD")]

        warnings = placed(*(ExportItem(f"{number:024x}", location=key) for number, key in enumerate(twins))).warnings

        assert len(warnings) == 1
        assert warnings[0].startswith("50 of the keys")
        assert len(warnings[0]) < 600

    def test_all_is_told_at_once(self):
        told = refusal(
            ExportItem(A, line="item 1"),
            ExportItem(A, location="a/", line="item 2"),
            named(A, "x", line="item 3"),
            named(B, "x", line="item 4"),
        )

        no_path, slash, clash = told.split("\n")
        assert no_path.startswith(f"file {A} has no known 'path'")
        assert slash.startswith(f"file {A} has the location 'a/', which ends with a slash")
        assert clash.startswith("two files go to one key")

    def test_item_needs_a_volume(self):
        assert f"item 1: file {A} ('x') has no volume" in refusal(named(A, "x", line="item 1"), volume=None)
