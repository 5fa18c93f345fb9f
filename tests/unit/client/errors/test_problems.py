"""The platform's error object and the table of remedies."""

from __future__ import annotations

import ast

import pytest

from airflow_provider_cgc.client.errors import codes
from airflow_provider_cgc.client.errors.codes import STATUS_REMEDIES, Remedy
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem
from tests.conftest import ROOT

MAY_PASS = {0, 1000, 2000, 3000, 4000, 5000, 5010, 6000, 7000, 8000, 9000, 9100, 10215, 10220, 10371}
MAY_PASS |= {13000, 13004, 57434, 90004, 90005}

OF_EXPORTS = [*range(9001, 9010), 9011, 9012, 9020, 9022, 9023, 9024, 9026, 9027, 9069, 9072]
OF_EXPORTS += [*range(9100, 9110), *range(9200, 9210)]
OF_IMPORTS = [9003, 9005, 9007, 9008, 9011, 9012, 9018, 9020, 9069, *range(9100, 9110)]
OF_IMPORTS += [5001, 5002, 5003, 5004, 5006, 5022, 5024, 5026, 5030, 9200, 9201, 9202, 9203, 9204, 9205, 9207]
OF_EDITS = [5002, 5004, 5006, 5008, 5009, 5011, 5023, 5024, 5025, 5027]


def test_reads_as_documented() -> None:
    problem = Problem(409, 9107, "Location on volume already contains a file.")

    assert str(problem) == "9107: Location on volume already contains a file."
    assert str(Problem(502, None, "bad gateway")) == "HTTP 502: bad gateway"
    assert str(Problem(None, None, "said nothing")) == "said nothing"


@pytest.mark.parametrize(
    "code", [*OF_EXPORTS, *OF_IMPORTS, *OF_EDITS, 0, 1000, 5001, 5002, 7001, 7002, *range(90000, 90010)]
)
def test_met_codes_have_remedies(code: int) -> None:
    """A code that a user can meet has a remedy."""
    assert Problem(None, code, "text").remedy


@pytest.mark.parametrize(("code", "remedy"), REMEDIES.items())
def test_remedy_is_sentences(code: int, remedy: Remedy) -> None:
    assert remedy.text.endswith(".")
    assert remedy.text[0].isupper()
    assert 20 < len(remedy.text) < 260
    assert "TODO" not in remedy.text
    assert remedy.text.isascii()
    assert "  " not in remedy.text


@pytest.mark.parametrize(("code", "remedy"), REMEDIES.items())
def test_only_passing_is_repeated(code: int, remedy: Remedy) -> None:
    """Only errors that pass by themselves may be repeated."""
    assert remedy.may_pass == (code in MAY_PASS)
    assert Problem(403, code, "text").may_pass == (code in MAY_PASS)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (9005, "another user"),
        (9006, "DRS import"),
        (9006, 'aliases="skip"'),
        (5001, "eRA Commons"),
        (9004, "eRA Commons"),
        (5002, "CgcListFilesOperator"),
        (5006, "metadata"),
        (5024, "underscores"),
        (5030, "folder of this name"),
        (9009, "not an id but a name"),
        (90001, "expired"),
        (9107, 'if_exists="skip"'),
        (9003, "'copy' to export"),
        (9003, "'write' to import"),
        (9018, "name"),
        (9020, "'write' to export"),
        (9020, "'copy' to import"),
        (9026, "RW"),
        (9027, "region"),
        (9069, "inactive"),
        (9072, "slash"),
        (9105, "a folder, whose location ends with a slash"),
        (9107, "overwrite"),
        (9108, "CgcBulkImportOperator"),
        (9108, "an earlier try"),
        (9206, "s3:PutObject"),
        (9208, "s3:GetObject"),
        (90001, "token"),
        (1000, "rate_share"),
    ],
)
def test_remedy_names_its_target(code: int, words: str) -> None:
    """The remedy names the thing to change."""
    assert words in REMEDIES[code].text


@pytest.mark.parametrize("status", STATUS_REMEDIES)
def test_status_has_a_remedy(status: int) -> None:
    assert Problem(status, None, "text").remedy
    assert Problem(status, 424242, "text").remedy


@pytest.mark.parametrize(("status", "passes"), [(500, True), (503, True), (408, True), (404, False), (None, False)])
def test_status_judges_unknown(status: int | None, passes: bool) -> None:
    """An unknown code is judged by its status."""
    assert Problem(status, 424242, "text").may_pass is passes


def test_undecided_may_pass() -> None:
    """An undecided outcome may pass, other errors of our own may not."""
    assert Problem(None, None, "text", made_here=True, undecided=True).may_pass
    assert not Problem(None, None, "text", made_here=True).may_pass
    assert not Problem(404, 9008, "text", made_here=True).may_pass


def test_tab_knows_a_missing_job() -> None:
    """The tab repeats the code of a missing job. It cannot import the table."""
    tab = (ROOT / "airflow_provider_cgc" / "plugin" / "cgc_jobs.js").read_text()

    assert f"const MISSING_CODE = {codes.NO_SUCH_JOB};" in tab


@pytest.mark.parametrize(
    ("status", "code", "denies"),
    [
        (None, 9003, True),
        (None, 9004, True),
        (403, 9005, True),
        (401, 90001, True),
        (None, 90002, True),
        (401, None, True),
        (403, None, True),
        (403, 424242, True),
        (404, 9008, False),
        (404, None, False),
        (503, 90005, False),
        (None, None, False),
    ],
)
def test_no_right_is_a_denial(status: int | None, code: int | None, denies: bool) -> None:
    """A missing right or token is a denial."""
    assert Problem(status, code, "text").denies is denies


def test_codes_stand_once() -> None:
    with pytest.raises(ValueError, match="9107 is in the table twice"):
        codes._code(9107, "Do this.")


@pytest.mark.parametrize(("code", "one"), [(9018, True), (9105, True), (9108, True), (9104, False), (9003, False)])
def test_codes_about_one_item(code: int, one: bool) -> None:
    """An import that fails alone says nothing of the others, one that any import would meet does."""
    assert (code in codes.ABOUT_ONE_ITEM) is one


def test_names_stand_for_codes() -> None:
    named = {name: value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}

    assert named["LOCATION_TAKEN"] == 9107
    assert (named["NAME_TAKEN"], named["FOLDER_EXISTS"]) == (9108, 5030)
    assert {name for name, code in named.items() if code not in REMEDIES} == set()


@pytest.mark.parametrize("raw", [None, {}, [], "", "  ", 5, False])
def test_no_error_is_none(raw: object) -> None:
    assert Problem.from_json(raw) is None


def test_gateway_words_are_none() -> None:
    problem = Problem.from_json({"status": "NOT_FOUND", "message": "HTTP 404 Not Found"})

    assert problem == Problem(None, None, "HTTP 404 Not Found")


def test_quoted_numbers_count() -> None:
    problem = Problem.from_json({"status": "409", "code": "9107", "message": "x", "more_info": "http://docs"})

    assert problem == Problem(409, 9107, "x", "http://docs")
    assert problem is not None
    assert problem.link == "http://docs"


@pytest.mark.parametrize("value", [True, 1.5, "\u0663", "1e3", [], {}, "9" * 40])
def test_odd_numbers_are_none(value: object) -> None:
    problem = Problem.from_json({"code": value, "status": value, "message": "x"})

    assert problem == Problem(None, None, "x")


def test_text_error_is_kept() -> None:
    assert Problem.from_json("went  wrong\n") == Problem(None, None, "went wrong")


def test_no_reason_is_told() -> None:
    problem = Problem.from_json({"status": 500})

    assert problem is not None
    assert problem.message == "the platform gave no reason"
    assert problem.link is None


def test_codes_have_names() -> None:
    """Code that asks for a code of the platform imports its name; the emulator imports nothing of ours."""
    codes_told = {code for code in REMEDIES if code > 3000 and code % 1000}  # the others may be counts
    package = ROOT / "airflow_provider_cgc"
    paths = [path for path in package.rglob("*.py") if "emulator" not in path.parts and path.name != "codes.py"]

    assert len(paths) > 100
    assert [
        f"{path.relative_to(package)}:{node.lineno}: {node.value}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in codes_told
    ] == []
