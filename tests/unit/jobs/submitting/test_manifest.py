"""The forms of a manifest, wrong lines, and the outcomes that an earlier run's manifest tells again."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_provider_cgc.jobs.exports.item import ExportItem, parse_items
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.manifest import read_items, read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState

A = "65a1b2c3d4e5f60718293a4b"
B = "65a1b2c3d4e5f60718293a4c"
SSE = {"sse_algorithm": "AES256"}
BOTH = [ExportItem(A, "run/a.bam", "mcurie/out", SSE), ExportItem(B)]

CSV = f'file,location,volume,properties\n{A},run/a.bam,mcurie/out,"{{""sse_algorithm"": ""AES256""}}"\n{B},,,\n'
TSV = f'file\tlocation\tvolume\tproperties\n{A}\trun/a.bam\tmcurie/out\t{{"sse_algorithm": "AES256"}}\n{B}\t\t\t\n'
JSONL = "".join(json.dumps(item.to_json()) + "\n" for item in BOTH)

OUTCOME = ItemOutcome(
    item=ExportItem(A, "run/a.bam", "mcurie/out", SSE, copy_only=True),
    state=ItemState.FAILED,
    id="bmEAYUyqW5prgk33wTyGG9j3VbSb4JcC",
    code=9107,
    message="Location on volume already contains a file.",
    size=7,
    started_on=datetime(2025, 1, 31, 12, tzinfo=UTC),
    finished_on=datetime(2025, 1, 31, 12, 5, 6, tzinfo=UTC),
    user="mcurie",
    conn_id="cgc_default",
)
LINE = OUTCOME.to_line()


def read(text, name="list.csv", **more):
    return read_items(io.StringIO(text), name=name, of=ExportItem, **more)


def refusal(text, name="list.csv", **more):
    with pytest.raises(BadItems) as refused:
        read(text, name, **more)
    return str(refused.value)


def outcomes(text):
    return read_outcomes(io.StringIO(text), name="manifest.jsonl", of=ExportItem)


class TestForms:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("list.csv", CSV),
            ("s3://bucket/List.CSV", CSV),
            ("list.tsv", TSV),
            ("gdc_manifest.2025-01-31.txt", TSV),
            ("list.jsonl", JSONL),
            ("list.ndjson", JSONL),
        ],
    )
    def test_name_tells_the_form(self, name, text):
        assert read(text, name) == BOTH

    @pytest.mark.parametrize(("form", "text"), [("csv", CSV), ("tsv", TSV), ("jsonl", JSONL)])
    def test_told_form_wins(self, form, text):
        assert read(text, "list.csv", form=form) == BOTH

    @pytest.mark.parametrize(
        ("name", "form", "told"),
        [
            (
                "list",
                None,
                "list: the file type cannot be told from the name; let it end in .csv, .tsv, .txt, .jsonl, .ndjson",
            ),
            ("list.json", None, "the file type cannot be told from the name"),
            ("list.csv", "xlsx", "the form 'xlsx' is unknown; give csv, tsv or jsonl"),
        ],
    )
    def test_unknown_form_is_refused(self, name, form, told):
        assert told in refusal(CSV, name, form=form)

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: "\ufeff" + text,
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace("\n", "\n\n   \n"),
            lambda text: "\n" + text,
            lambda text: text.removesuffix("\n"),
        ],
        ids=["bom", "crlf", "blank lines", "blank first line", "no end of the last line"],
    )
    @pytest.mark.parametrize(("name", "text"), [("list.csv", CSV), ("list.tsv", TSV), ("list.jsonl", JSONL)])
    def test_editors_traces_are_left(self, name, text, change):
        """Traces of editors and spreadsheets do not count."""
        with io.StringIO(change(text), newline="") as lines:
            assert read_items(lines, name=name, of=ExportItem) == BOTH

    @pytest.mark.parametrize(("name", "text"), [("list.csv", CSV), ("list.tsv", TSV), ("list.jsonl", JSONL)])
    def test_lines_without_their_ends(self, name, text):
        assert read_items(text.split("\n"), name=name, of=ExportItem) == BOTH

    @pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.jsonl"])
    @pytest.mark.parametrize("text", ["", "\n\n"])
    def test_empty_has_no_items(self, name, text):
        assert read(text, name) == []

    def test_text_for_lines_is_a_bug(self):
        with pytest.raises(TypeError, match="give the lines"):
            read_items(CSV, name="list.csv", of=ExportItem)


class TestTables:
    @pytest.mark.parametrize(
        "text",
        [
            f"file\n{A}\n{B}\n",
            f"id\n{A}\n{B}\n",
            f"name,File ,size\na.bam,{A},7\nb.bam,{B},\n",
            f'"id","name"\n"{A}","a ""b"", c"\n"{B}",""\n',
            f"# made by hand\n#file,x\nfile\n{A}\n{B}\n",
            f"file,x,x,\n{A},1,2,3\n,,,\n{B},1,2,\n",
            f"id,file\njob1,{A}\njob2,{B}\n",
        ],
    )
    def test_only_known_columns(self, text):
        assert read(text) == [ExportItem(A), ExportItem(B)]

    def test_gdc_manifest_is_read(self):
        rows = [
            f"{number:08x}-9af4-4f76-b385-ad3b64f3309f\t{number}_wxs_gdc_realn.bam\t{number:032x}\t{number}\treleased\n"
            for number in range(3725)
        ]

        items = read_items(["id\tfilename\tmd5\tsize\tstate\n", *rows], name="gdc_manifest.txt", of=ExportItem)

        assert [item.file for item in items] == [row.split("\t")[0] for row in rows]
        assert {(item.location, item.size) for item in items} == {(None, None)}

    def test_items_know_their_line(self):
        assert [item.line for item in read(f"# x\n\nfile\n{A}\n\n{B}\n")] == ["line 4", "line 6"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("\n# file\n", "there is no line with the names of the columns"),
            (
                f"{A},a.bam\n",
                "line 1 has no column 'file' (or 'id'); split at ',', its columns are",
            ),
            ("# x\nname,size\n", "line 2 has no column 'file'"),
            (
                TSV,
                r"""['file\tlocation\tvolume\tproperties']. Add the column, or use the form that the file's name""",
            ),
            ("file,FILE\n", "line 1 has the column 'file' more than once"),
            ("id,id\n", "line 1 has no column 'file' (or 'id')"),
            ("file,location,location\n", "line 1 has the column 'location' more than once"),
            ('file,"location\n', "line 1 is no row of a table"),
            (f"file,x\n{A}\n", "line 2 has 1 field, and the line of column names has 2; add the missing ones"),
            (f"file,x\n{A},1,2\n", "line 2 has 3 fields"),
            ("file,x\n,1\n", "line 2 has a 'file' that is empty; give the file's id"),
            (f"file,x\n#{A},1\n", f"line 2 has a 'file' that is '#{A}', which is not an id"),
            (f"file,x\n {A},1\n", "which is not an id"),
            (f"file,location\n{A}, a.bam\n", "line 2 has white space around the 'location' ' a.bam'; remove it"),
            (f"file,volume\n{A},o/v \n", "line 2 has white space around the 'volume' 'o/v '"),
            (
                f"file,properties\n{A},x=1\n",
                "line 2 has 'properties' that are no JSON (Expecting value at character 1)",
            ),
            (f'file,properties\n{A},"[1]"\n', "line 2 has [1] for 'properties', which is no object"),
            (f"file,properties\n{A},7\n", "line 2 has 7 for 'properties', which is no object"),
            (f'file,properties\n{A},"{{""x"": NaN}}"\n', "line 2 has 'properties' that JSON cannot hold"),
            (f"file,properties\n{A},{'[' * 100_000}\n", "line 2 has 'properties' that are no JSON (RecursionError)"),
            (f"file,properties\n{A},{'9' * 5000}\n", "line 2 has 'properties' that are no JSON (ValueError)"),
            (f'file,x\n{A},"a"b\n', "line 2 is no row of a table"),
            (f"file,x\n{A},{'x' * 140_000}\n", "line 2 is no row of a table (field larger than field limit"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_wrong_line_of_a_table(self, text, told):
        """A wrong line is told with its number and the next step."""
        assert told in refusal(text)

    def test_open_quote_is_contained(self):
        """A quote that is not closed swallows no other line."""
        told = refusal(f'file,x\n{A},"a\n{B},b\n{A},c"\n{B}\n')

        assert "- line 2 is no row of a table" in told
        assert "line 3" not in told
        assert "- line 5 has 1 field" in told

    def test_wrong_lines_together(self):
        told = refusal("file\n" + "a b\n" * 25)

        assert told.startswith("list.csv: 25 problems\n- line 2 has a 'file' that is 'a b'")
        assert told.endswith("- and 15 more")

    def test_names_come_first(self):
        """Without column names nothing else is told."""
        assert "problems" not in refusal("a\n" * 100)

    def test_hash_may_begin_a_row(self):
        """Were it a comment, a file would be lost."""
        assert read(f"name,file\n#1.bam,{A}\n") == [ExportItem(A)]


class TestJsonLines:
    def test_item_as_in_a_list(self):
        said = {"file": A, "name": "a.bam", "size": 7, "path": "run", "project": "mcurie/radium"}

        assert read(json.dumps(said), "list.jsonl") == parse_items([said], where="")

    def test_id_is_the_files(self):
        assert read(f'{{"id": "{A}"}}\n{{"id": "job1", "file": "{B}"}}\n', "list.jsonl") == [
            ExportItem(A),
            ExportItem(B),
        ]

    def test_no_line_is_no_item(self):
        assert read("", "list.jsonl") == []

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{\n", "line 1 is no JSON (Expecting property name enclosed in double quotes at character"),
            ("# x\n", "line 1 is no JSON"),
            (f"\n{A}\n", "line 2 is no JSON"),
            (f'"{A}"\n', f"line 1 is '{A}', and no JSON object; write one object for each item"),
            ("[]\n", "line 1 is [], and no JSON object"),
            ('{"name": "a"}\n', "line 1 has no 'file'; give the id"),
            (f'{{"file": "{A}", "loaction": "x"}}\n', "line 1 has ['loaction'], which no item knows"),
            (f'{{"file": "{A}", "properties": "x"}}\n', "line 1 has 'x' for 'properties', which is no object"),
            (f'{{"file": "{A}"}} {{"file": "{B}"}}\n', "line 1 is no JSON (Extra data at character"),
            ("[" * 100_000, "line 1 is no JSON (RecursionError)"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_wrong_line_of_json(self, text, told):
        """A wrong line is told with its number and the next step."""
        assert told in refusal(text, "list.jsonl")


class TestOutcomes:
    def test_line_has_every_key(self):
        assert json.loads(LINE) == {
            "version": 1,
            "file": A,
            "location": "run/a.bam",
            "volume": "mcurie/out",
            "properties": {"sse_algorithm": "AES256"},
            "state": "FAILED",
            "id": "bmEAYUyqW5prgk33wTyGG9j3VbSb4JcC",
            "code": 9107,
            "message": "Location on volume already contains a file.",
            "size": 7,
            "started_on": "2025-01-31T12:00:00Z",
            "finished_on": "2025-01-31T12:05:06Z",
            "user": "mcurie",
            "conn_id": "cgc_default",
            "copy_only": True,
            "location_template": None,
            "task": None,
        }
        bare = ItemOutcome(item=ExportItem(A), state=ItemState.SUBMITTED).to_line()
        assert list(json.loads(bare)) == list(json.loads(LINE))

    def test_comes_back_both_ways(self):
        assert outcomes(LINE).outcomes == [OUTCOME]
        assert read(LINE, "manifest.jsonl") == [ExportItem(A, "run/a.bam", "mcurie/out", SSE, size=7)]

    @pytest.mark.parametrize("offset", [0, 2, -5])
    def test_times_by_platform_clock(self, offset):
        here = OUTCOME.started_on.astimezone(timezone(timedelta(hours=offset)))

        line = ItemOutcome(item=ExportItem(A), state=ItemState.RUNNING, started_on=here).to_line()

        assert json.loads(line)["started_on"] == "2025-01-31T12:00:00Z"

    def test_time_without_a_zone(self):
        [again] = outcomes(LINE.replace("12:00:00Z", "12:00:00")).outcomes

        assert again.started_on == OUTCOME.started_on

    def test_items_as_asked_for(self):
        lines = [ItemOutcome(item=ExportItem(state.name), state=state).to_line() for state in ItemState]

        items = read_items(lines, name="manifest.jsonl", of=ExportItem)

        assert [item.file for item in items] == [state.name for state in ItemState]
        assert [item.line for item in items] == [f"line {number}" for number in range(1, len(ItemState) + 1)]

    def test_given_up_has_failed(self):
        assert {state.name for state in ItemState if state.failed} == {"UNSENT", "FAILED", "MISSING"}

    def test_newer_key_is_passed_over(self):
        newer = json.dumps(json.loads(LINE) | {"checksum": "x", "parts": [1]}) + "\n"

        assert outcomes(newer).outcomes == [OUTCOME]
        assert len(read(newer, "manifest.jsonl")) == 1

    def test_older_line_lacks_a_key(self):
        older = json.dumps({"version": 1, "file": A, "state": "RUNNING"}) + "\n"

        assert outcomes(older).outcomes == [ItemOutcome(item=ExportItem(A), state=ItemState.RUNNING)]

    def test_newer_state_may_run(self):
        [again] = outcomes(LINE.replace("FAILED", "PAUSED")).outcomes

        assert again.state is ItemState.UNKNOWN
        assert not again.state.failed

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"version": 2}, "has version 2, and this release reads the outcomes of version 1; upgrade the provider"),
            ({"version": None}, "has version None"),
            ({"file": None}, "has None for 'file'"),
            ({"file": 7}, "has a 'file' that is 7"),
            ({"location": 7}, "has 7 for 'location'"),
            ({"properties": [1]}, "has [1] for 'properties'"),
            ({"state": None}, "has no 'state'"),
            ({"state": 7}, "has 7 for 'state', of type int, not str; correct it"),
            ({"id": 7}, "has 7 for 'id'"),
            ({"code": "9107"}, "has '9107' for 'code', of type str, not int"),
            ({"code": True}, "has True for 'code'"),
            ({"message": {}}, "has {} for 'message'"),
            ({"size": 7.5}, "has 7.5 for 'size'"),
            ({"started_on": 7}, "has 7 for 'started_on'"),
            ({"finished_on": "soon"}, "has 'soon' for 'finished_on', which is no time; write it as"),
            (
                {"finished_on": "0001-01-01T00:00:00+01:00"},
                "has '0001-01-01T00:00:00+01:00' for 'finished_on', which is no time",
            ),
            ({"user": 7}, "has 7 for 'user'"),
            ({"conn_id": 7}, "has 7 for 'conn_id'"),
            ({"copy_only": "true"}, "has 'true' for 'copy_only', of type str, not bool"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_tampered_is_refused(self, change, told):
        text = LINE + json.dumps(json.loads(LINE) | change) + "\n"

        with pytest.raises(BadItems) as refused:
            outcomes(text)

        assert str(refused.value).startswith(f"manifest.jsonl: line 2 {told}")
        assert refusal(text, "manifest.jsonl") == str(refused.value)

    def test_items_are_no_outcomes(self):
        with pytest.raises(BadItems, match=r"line 1 has no outcome; .* CgcListFilesOperator"):
            outcomes(JSONL)


class TestCutOff:
    def test_half_a_last_line(self):
        """A last line that ends halfway is told, and the others are read."""
        told = outcomes(LINE + LINE[:-30])

        assert told.outcomes == [OUTCOME]
        assert told.cut_off == "line 2 is cut off: its writer was stopped, and the rest is lost"

    def test_whole_is_not_cut_off(self):
        assert outcomes(LINE + LINE).cut_off is None
        assert outcomes("").cut_off is None

    def test_only_an_end_may_lack(self):
        assert outcomes(LINE + LINE.removesuffix("\n")).cut_off is None

    @pytest.mark.parametrize(
        "text",
        [LINE[:-30] + "\n", LINE[:-30] + "\n" + LINE, LINE[:-30] + LINE, "not ours", '{"file": "', LINE[30:-30]],
        ids=["with its end", "in the middle", "written on", "other text", "another's", "no beginning"],
    )
    def test_anything_else_is_broken(self, text):
        with pytest.raises(BadItems, match="line 1 is no JSON"):
            outcomes(text)

    def test_middle_line_is_not_last(self):
        """A line in the middle is not the last one, even without line ends."""
        with pytest.raises(BadItems, match="line 1 is cut off"):
            read_outcomes([LINE[:-30], LINE], name="manifest.jsonl", of=ExportItem)

    def test_cut_off_is_no_item_list(self):
        """As a list of items, a manifest that is cut off is refused. Nothing tells how many items are lost."""
        assert refusal(LINE + LINE[:-30], "manifest.jsonl").startswith("manifest.jsonl: line 2 is cut off")


@pytest.mark.parametrize(
    ("name", "head", "row"),
    [("list.csv", "file,location,md5\n", "{0:024x},run/{0}.bam,x"), ("list.jsonl", "", '{{"file": "{0:024x}"}}')],
)
def test_lines_come_one_by_one(name, head, row):
    def lines():
        yield head
        yield from (row.format(number) + " " * 10_000 + "\n" for number in range(3000))

    tracemalloc.start()
    try:
        items = read_items(lines(), name=name, of=ExportItem)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(items) == 3000
    assert peak < 5_000_000  # the lines are 30 MB
