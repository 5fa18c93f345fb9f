"""Problems that are known before anything is sent, each fact both ways, and the report of a dry run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem
from airflow_provider_cgc.client.models import Volume
from airflow_provider_cgc.jobs.exports.problems import report, unfit_item
from airflow_provider_cgc.jobs.listing.files import LARGEST
from airflow_provider_cgc.jobs.submitting.unfit import sentences
from tests.fakes.export_facts import (
    OUT,
    PROJECT,
    UNDECIDED,
    UNKNOWN,
    A,
    B,
    C,
    a_file,
    a_volume,
    an_alias,
    an_item,
    facts,
    only,
    problems,
)


class TestItems:
    def test_stored_file_is_fine(self):
        """A file that the platform stores itself is no problem."""
        assert problems([an_item()], facts(a_file())) == []

    def test_untold_storage_is_fine(self):
        assert problems([an_item()], facts(a_file(storage_type=None))) == []

    def test_unknown_file_is_named(self):
        """An unknown file is named with the platform's word and the remedy."""
        text = only(problems([an_item(name="a.bam")], facts(refused={A: UNKNOWN})))

        assert text.startswith(f"item 1: file {A} ('a.bam'): 5002: Requested file does not exist. ")
        assert text.endswith(REMEDIES[5002].text)

    def test_foreign_file_says_whom(self):
        """A file of another user says who can help."""
        text = only(problems([an_item()], facts(refused={A: Problem(403, 5001, "No access.")})))

        assert REMEDIES[5001].text in text

    def test_unsure_is_not_unknown(self):
        """A file that was not told for certain is not called unknown."""
        text = only(problems([an_item()], facts(refused={A: UNDECIDED})))

        assert "does not exist" not in text
        assert text.endswith("Try again later.")

    def test_unasked_file_is_our_bug(self):
        with pytest.raises(KeyError):
            problems([an_item()], facts())

    def test_folder_has_an_operator(self):
        """A folder is named with the operator that lists its files."""
        text = only(problems([an_item()], facts(a_file(name="old", type="folder", size=None, storage_type=None))))

        assert text == (
            f"item 1: file {A} ('old'): It is a folder, and only files are exported; CgcListFilesOperator lists a"
            " folder's files."
        )

    def test_causes_by_size(self):
        """Each cause is one sentence, the largest first."""
        ids = [f"{number:024x}" for number in range(14)]
        files = [a_file(file_id, f"folder{file_id[-1]}", type="folder") for file_id in ids[1:13]]
        items = [an_item(file_id, number) for number, file_id in enumerate(ids)]

        found = problems(items, facts(*files, refused={ids[0]: UNKNOWN, ids[13]: UNKNOWN}))

        assert [text.split(":")[0] for text in found] == ["12 items", "2 items"]
        assert found[0].startswith("12 items: It is a folder, and only files are exported")
        assert f" They are item 1: file {ids[1]} ('folder1'); item 2: " in found[0]
        assert found[0].endswith("; 2 more.")
        assert found[1].endswith(f" They are item 0: file {ids[0]}; item 13: file {ids[13]}.")

    def test_items_keep_their_order(self):
        folder, gone = Problem(None, None, "It is a folder."), Problem(404, 5002, "Gone.")
        unfit = [unfit_item(an_item(A, number), why, None) for number, why in ((11, folder), (2, gone), (3, folder))]

        first, second = sentences(unfit)

        assert first.index("item 3") < first.index("item 11")
        assert second.startswith("item 2: ")

    def test_aliases_share_a_sentence(self):
        places = {f"{number:024x}": f"raw/{number}.bam" for number in range(3)}
        files = [an_alias(file_id, location=place) for file_id, place in places.items()]

        text = only(problems([an_item(one, number) for number, one in enumerate(places)], facts(*files)))

        assert text.startswith(
            "3 items: 9006: It is an alias: its bytes are on volume mcurie/radium_out at ... already. "
        )
        assert text.count(REMEDIES[9006].text) == 1

    def test_long_place_is_the_same_cause(self):
        """A place that is cut off in the text stands for the same cause as one that is shown whole."""
        places = {f"{number:024x}": f"raw/{'a' * length}.bam" for number, length in enumerate((5, 500))}
        files = [an_alias(file_id, location=place) for file_id, place in places.items()]

        text = only(problems([an_item(one, number) for number, one in enumerate(places)], facts(*files)))

        assert text.startswith(
            "2 items: 9006: It is an alias: its bytes are on volume mcurie/radium_out at ... already. "
        )

    def test_alias_names_its_bytes(self):
        """An alias is named with the place of its bytes."""
        text = only(problems([an_item()], facts(an_alias(volume="mcurie/in", location="raw/a.bam"))))

        assert f"item 1: file {A} ('a.bam'): 9006: It is an alias" in text
        assert "on volume mcurie/in at 'raw/a.bam' already" in text
        assert 'aliases="skip"' in text

    def test_placeless_alias_is_one(self):
        """An alias that does not tell where it is still is one."""
        assert "its bytes are on a volume already" in only(
            problems([an_item()], facts(an_alias(volume=None, location=None)))
        )

    @pytest.mark.parametrize(
        ("item", "file", "there"),
        [
            (an_item(), an_alias(), True),
            (an_item(location="run8/a.bam"), an_alias(), False),
            (an_item(volume="mcurie/other"), an_alias(), False),
            (an_item(), a_file(volume=OUT, location="run7/a.bam"), False),
            (an_item(volume=None, location=None), an_alias(volume=None, location=None), False),
            (an_item(location=None), an_alias(location=None), False),
        ],
        ids=["the same", "other key", "other volume", "no alias", "nothing told", "no key told"],
    )
    def test_wanted_alias_is_there(self, item, file, there):
        """Only an alias of the wanted object is there already."""
        assert file.is_alias_of(item.volume, item.location) is there

    def test_wanted_alias_is_fine(self):
        assert problems([an_item()], facts(an_alias())) == []

    @pytest.mark.parametrize(("size", "number"), [(LARGEST, 0), (LARGEST + 1, 1), (0, 0), (None, 0)])
    def test_too_large_is_refused(self, size, number):
        """A file larger than an object can be is refused."""
        found = problems([an_item()], facts(a_file(size=size)))

        assert len(found) == number
        assert all("5.5 TB" in text and str(LARGEST) in text and "split the file" in text for text in found)

    def test_platforms_size_counts(self):
        """The platform's size counts more than the item's."""
        assert problems([an_item(size=LARGEST + 1)], facts(a_file(size=1))) == []
        assert problems([an_item(size=LARGEST + 1)], facts(a_file(size=None))) != []

    def test_problems_keep_the_order(self):
        items = [an_item(B, 1), an_item(A, 2, location="x"), an_item(C, 3)]

        found = problems(items, facts(an_alias(), a_file(C, size=LARGEST + 1), refused={B: UNKNOWN}))

        assert [text.split(":")[0] for text in found] == ["item 1", "item 2", "item 3"]

    def test_name_forges_no_line(self):
        text = only(problems([an_item()], facts(an_alias(volume="a/b\nFAKE", location="x\ny"))))

        assert "\n" not in text

    def test_item_without_a_line(self):
        """An item without a line is named by its file."""
        assert only(problems([an_item(line="")], facts(refused={A: UNKNOWN}))).startswith(f"file {A}:")


class TestVolumes:
    def test_quiet_volume_is_fine(self):
        """A volume that tells neither mode nor activity is no problem."""
        assert problems([an_item()], facts(a_file(), volumes=[Volume(OUT)])) == []

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"active": False}, f"{OUT}, where 2 items go: 9069: {REMEDIES[9069].text}"),
            ({"access_mode": "RO"}, f"{OUT}, where 2 items go: its access mode is 'RO'. 9026: {REMEDIES[9026].text}"),
        ],
    )
    def test_closed_volume_once(self, change, words):
        """A volume that takes nothing is named once for all its items."""
        volume = replace(a_volume(), **change)
        items = [an_item(A), an_item(B, location="b")]

        assert only(problems(items, facts(a_file(), a_file(B), volumes=[volume]))) == f"volume {words}"

    def test_both_faults_are_said(self):
        volume = replace(a_volume(), active=False, access_mode="RO")

        assert len(problems([an_item()], facts(a_file(), volumes=[volume]))) == 2

    def test_unseen_volume_is_named(self):
        """A volume that this user does not see is named with the remedy."""
        refusal = Problem(404, 9007, "Requested volume does not exist.")
        text = only(problems([an_item()], facts(a_file(), volumes=[], refused_volumes={OUT: refusal})))

        assert text == f"volume {OUT}, where 1 item goes: 9007: Requested volume does not exist. {REMEDIES[9007].text}"

    def test_odd_code_has_a_remedy(self):
        """A refused volume whose code is unheard of gets a remedy all the same."""
        refusal = Problem(404, 4711, "No.")

        assert REMEDIES[9007].text in only(
            problems([an_item()], facts(a_file(), volumes=[], refused_volumes={OUT: refusal}))
        )

    def test_idle_volume_may_close(self):
        """A volume where nothing is left to send may be closed."""
        volume = replace(a_volume(), active=False, access_mode="RO")

        assert problems([an_item()], facts(an_alias(), volumes=[volume])) == []

    def test_unasked_volume_is_ours(self):
        """A volume that nobody asked for is a mistake of ours."""
        with pytest.raises(KeyError):
            problems([an_item()], facts(a_file(), volumes=[]))

    def test_no_volume_yet(self):
        """An item that has no volume yet gets the rules of files only."""
        assert problems([an_item(volume=None)], facts(a_file(), volumes=[])) == []
        assert problems([an_item(volume=None)], facts(an_alias(), volumes=[])) != []


def test_volumes_places_items():
    """Volumes come first, then places, then items."""
    volume = replace(a_volume(region="eu-west-1"), active=False)
    items = [an_item(B, 1), an_item(A, 2)]

    found = problems(items, facts(a_file(), volumes=[volume], refused={B: UNKNOWN}))

    assert [text.split(" ")[0] for text in found] == ["volume", "project", "item"]


def test_many_on_a_closed_volume():
    """Ten thousand items on a closed volume are one problem."""
    ids = [f"{number:024x}" for number in range(10_000)]
    files = [a_file(file_id) for file_id in ids]
    items = [an_item(file_id, number, location=file_id) for number, file_id in enumerate(ids)]

    text = only(problems(items, facts(*files, volumes=[replace(a_volume(), active=False)])))

    assert "where 10000 items go" in text


class TestReport:
    def test_report_tells_all(self):
        """A dry run tells the files, where from and where to."""
        files = [a_file(size=3_000_000), a_file(B, "b.bam", size=2_000_000_000), a_file(C, "c.bam", size=5)]
        volume = a_volume(endpoint="s3.us-east-1.amazonaws.com")
        items = [an_item(A), an_item(B, location="run8/b.bam"), an_item(C, location="run7/c.bam")]

        lines = report(items, facts(*files, volumes=[volume]))

        assert lines == [
            "3 files: 2.0 GB.",
            f"From {PROJECT} (aws:us-east-1).",
            f"To {OUT} (us-east-1).",
            "Distinct folders there: 2.",
            f"Largest: file {B} ('b.bam'), 2.0 GB.",
        ]

    def test_untold_is_said_to_be(self):
        lines = report([an_item()], facts(a_file(size=None), location=None))

        assert lines == [
            "1 file: 0 B, 1 of unknown size.",
            f"From {PROJECT} (region unknown).",
            f"To {OUT} (region unknown).",
            "Distinct folders there: 1.",
        ]

    def test_two_places_one_file(self):
        """One file to two places counts once as a file and twice in bytes."""
        lines = report([an_item(), an_item(location="b")], facts(a_file(size=1000)))

        assert lines[0] == "1 file, in 2 items: 2.0 kB."

    def test_two_volumes_two_folders(self):
        """The same folder on two volumes is two folders."""
        items = [an_item(), an_item(volume="mcurie/two")]

        assert "Distinct folders there: 2." in report(items, facts(a_file()))

    def test_items_size_counts(self):
        assert report([an_item(size=7)], facts(a_file(size=None)))[0] == "1 file: 7 B."

    def test_many_volumes_are_cut(self):
        items = [an_item(volume=f"mcurie/v{number:02}") for number in range(13)]

        lines = report(items, facts(a_file()))

        assert lines[2].endswith("mcurie/v09 (region unknown), 3 more.")

    def test_no_items_have_a_report(self):
        assert report([], facts()) == ["0 files: 0 B."]
