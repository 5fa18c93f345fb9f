"""Failed jobs, as a Dag, a mail and a chat message see them."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_cgc.client.errors.problem import REMEDIES
from airflow_provider_cgc.compat import AirflowFailException
from airflow_provider_cgc.exceptions import (
    MOST_CHARACTERS,
    CgcBadInput,
    CgcJobsFailed,
    CgcTriggerError,
    CgcWaitError,
)

HINT = "A FAILED job stays FAILED, so clearing this sensor fails again: mend the cause and clear start_exports."


def item(number=0, **fields):
    return {
        "id": f"job{number}",
        "file": f"file{number}",
        "volume": "lab/bucket",
        "location": f"results/{number}.bam",
        "code": 9107,
        "message": "Location on volume already contains a file.",
    } | fields


def summary(*items, **counts):
    return {
        "version": 1,
        "kind": "export",
        "total": 300,
        "completed": 300 - len(items),
        "failed": len(items),
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "seconds": None,
        "failed_items": list(items),
        "manifest": None,
    } | counts


REMEDY = f"  What to do about 9107: {REMEDIES[9107].text}\n"


def test_counts_come_first():
    """The text begins with the counts and ends with the hint."""
    error = CgcJobsFailed(summary(item(0), item(1)), HINT)

    assert str(error) == (
        "Of 300 exports, 2 FAILED.\n"
        "- 2 with 9107 (Location on volume already contains a file)\n"
        "  results/0.bam, file file0\n"
        "  results/1.bam, file file1\n" + REMEDY + HINT
    )


def three_causes(**counts):
    """60 failures of three causes, with messages as the platform writes them."""
    codes = [9107] * 40 + [9206] * 15 + [None] * 5
    items = [item(number, code=code, message=f"Told with {code}.") for number, code in enumerate(codes)]
    return summary(*items, completed=240, **counts)


def test_first_line_has_causes():
    head = str(CgcJobsFailed(three_causes(), HINT)).splitlines()[0]

    assert head == "Of 300 exports, 60 FAILED. By cause: 40 with 9107, 15 with 9206, 5 without a code."


def test_remedies_stand_once():
    text = str(CgcJobsFailed(three_causes(), HINT))

    assert len(text) <= MOST_CHARACTERS
    for code in (9107, 9206):
        assert text.count(REMEDIES[code].text) == 1
    causes = [line for line in text.splitlines() if line.startswith("- ")][:3]
    assert [line.split()[1] for line in causes] == ["40", "15", "5:"]


@pytest.mark.parametrize("manifest", ["s3://aws@bucket/out.jsonl", "s3://bucket/" + "x" * 2000])
@pytest.mark.parametrize("failed", [1, 60])
def test_manifest_is_named(manifest, failed):
    one = summary(item(), completed=300 - failed, failed=failed, manifest=manifest)

    text = str(CgcJobsFailed(one, HINT))

    assert manifest[:300] in text
    assert text.endswith("\n" + HINT)
    assert len(text) <= MOST_CHARACTERS


def test_left_causes_are_counted():
    items = [item(number, code=9000 + number) for number in range(9)]

    text = str(CgcJobsFailed(summary(*items), HINT))

    assert "- 4 with 4 other causes" in text.splitlines()


@pytest.mark.parametrize(
    ("counts", "head"),
    [
        ({"failed": 3, "completed": 297}, "Of 300 exports, 3 FAILED."),
        ({"failed": 0, "missing": 2, "completed": 298}, "Of 300 exports, 2 unknown to the platform."),
        (
            {"failed": 3, "missing": 2, "completed": 295},
            "Of 300 exports, 3 FAILED and 2 unknown to the platform.",
        ),
        (
            {"failed": 1, "completed": 100},
            "Of 300 exports, 1 FAILED. 199 exports still run on the platform and cannot be cancelled.",
        ),
        ({"failed": 1, "completed": 100, "skipped": 199}, "Of 300 exports, 1 FAILED."),
    ],
)
def test_first_line_has_counts(counts, head):
    text = str(CgcJobsFailed(summary(item()) | counts))

    assert text.splitlines()[0] == head


@pytest.mark.parametrize(
    ("unsent", "head"),
    [
        (1, "Of 300 exports, 153 FAILED (of which 1 was not sent) and 2 unknown to the platform."),
        (100, "Of 300 exports, 153 FAILED (of which 100 were not sent) and 2 unknown to the platform."),
    ],
)
def test_first_line_has_unsent(unsent, head):
    """The first line tells items apart that were never sent."""
    error = CgcJobsFailed(summary(item()) | {"failed": 153, "missing": 2, "completed": 145}, HINT, unsent)

    assert str(error).splitlines()[0] == head
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_imports_have_their_goal():
    """Failed imports are told with the place where they should have gone."""
    failed = {
        "id": "a",
        "volume": "lab/in",
        "location": "batch1/s1.fastq.gz",
        "project": "lab/p",
        "name": "s1.fastq.gz",
        "code": 9105,
        "message": "No such item.",
    }

    error = CgcJobsFailed(summary(failed, kind="import", completed=298), HINT)

    assert str(error) == (
        "Of 300 imports, 1 FAILED. 1 import still runs on the platform and cannot be cancelled.\n"
        "- batch1/s1.fastq.gz, to project lab/p: 9105: No such item.\n"
        f"  What to do about 9105: {REMEDIES[9105].text}\n" + HINT
    )


def test_five_items_are_named():
    causes = [{"code": 9107, "message": item()["message"], "count": 4007}]
    many = summary(*map(item, range(100)), failed=4000, missing=7, total=10_000, causes=causes)

    lines = str(CgcJobsFailed(many, HINT)).splitlines()

    assert len([line for line in lines if line.startswith("  results/")]) == 5
    assert lines[-2] == "- 4002 are not named here: see the XCom 'cgc_summary'"
    assert lines[-1] == HINT


HOSTILE = ["x" * 5000, "ä" * 1024, "\U0001f9ec" * 1024, "a\nb\r\n" * 500, "\x00\x1b[2J" * 500, "%s{}" * 500]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:6]))
@pytest.mark.parametrize("field", ["location", "name", "message", "file", "project", "parent"])
def test_text_fits_a_message(name, field):
    """The text fits into a message and keeps the hint whole."""
    items = [item(number, **{field: name}) for number in range(100)]

    text = str(CgcJobsFailed(summary(*items, failed=10_000, total=10_000), HINT))

    assert len(text) <= MOST_CHARACTERS
    assert text.endswith("\n" + HINT)
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    assert text.splitlines()[1].startswith("- 100 ")
    assert text.splitlines()[-2].startswith("- 99")


@pytest.mark.parametrize("field", ["location", "name"])
def test_long_name_keeps_its_end(field):
    """A long name leaves its end, the code and the message in sight."""
    items = [item(number, **{field: "deep/" * 200 + f"sample{number}.bam"}) for number in range(5)]

    text = str(CgcJobsFailed(summary(*items), HINT))

    assert "5 with 9107 (Location on volume already contains a file)" in text
    for number in range(5):
        assert f"sample{number}.bam" in text


@pytest.mark.parametrize("length", [0, 100, 1000, 1300, 1380, 1399])
def test_hint_is_always_whole(length):
    hint = "h" * length

    text = str(CgcJobsFailed(summary(*(item(number, location="x" * 1024) for number in range(20))), hint))

    assert len(text) <= MOST_CHARACTERS
    assert text.endswith(hint)
    assert text.startswith("Of 300 exports, 20 FAILED.")


def test_endless_hint_is_cut():
    text = str(CgcJobsFailed(summary(item()), "h" * 10_000))

    assert len(text) == MOST_CHARACTERS


def test_cut_name_is_said_once():
    """A name that ends a cut location is said once."""
    name = f"{'n' * 72}.vcf.gz"
    text = str(CgcJobsFailed(summary(item(location=f"nightly/{name}", name=name))))

    assert text.count(".vcf.gz") == 1


def test_failed_items_at_hand():
    items = [item(number) for number in range(100)]

    error = CgcJobsFailed(summary(*items), HINT)

    assert error.failed == items
    assert error.summary["failed"] == 100


def test_list_is_the_callers():
    error = CgcJobsFailed(summary(item()), HINT)

    error.failed.clear()

    assert len(error.failed) == 1


def test_survives_pickling():
    error = CgcJobsFailed(summary(item(), item(1)), HINT)

    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), again.summary, again.hint) == (type(error), str(error), error.summary, HINT)


def test_failed_jobs_no_retry():
    assert issubclass(CgcJobsFailed, AirflowFailException)


@pytest.mark.parametrize("kind", [CgcWaitError, CgcTriggerError, CgcBadInput])
def test_no_skip_is_our_own(kind):
    """An error that must not become a skip is no exception of Airflow's."""
    from airflow.exceptions import AirflowException

    assert not issubclass(kind, AirflowException)
