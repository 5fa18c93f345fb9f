"""What a wait says: little while it goes well, everything that helps when it did not."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.client.errors.problem import REMEDIES, BulkRecord, Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS
from airflow_provider_cgc.jobs.text import clock_time, duration, human_bytes
from airflow_provider_cgc.jobs.waiting.causes import Group
from airflow_provider_cgc.jobs.waiting.progress import QUIET, ProgressLog, as_sentence, progress
from airflow_provider_cgc.jobs.waiting.summary import Summary, closing_line, describe_item, failure_table, shared_out
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.virtual_time import START
from tests.fakes.platform import UNKNOWN, job, some_ids

MINUTE = 60.0
HOUR = 3600.0
QUIET_MINUTES = int(QUIET / MINUTE)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=str)


@pytest.fixture
def tracker():
    return JobTracker.of(EXPORT, some_ids(1000))


@pytest.fixture
def log():
    return ProgressLog()


def end(tracker, count, state=JobState.COMPLETED, **fields):
    for job_id in list(tracker.open)[:count]:
        tracker.take([BulkRecord(id=job_id, resource=job(job_id, state, **fields))], START)


def failed_summary(*items, **counts):
    told = {"kind": "export", "total": 300, "completed": 0, "missing": 0, "skipped": 0, "bytes": 0}
    told |= {"failed": len(items), "failed_items": list(items)}
    return Summary.from_json(told | counts, kind=EXPORT)


def item(number=0, code=9107, **fields):
    return {
        "id": f"job{number}",
        "file": f"file{number}",
        "volume": "lab/bucket",
        "location": f"results/{number}.bam",
        "code": code,
        "message": "Location on volume already contains a file.",
    } | fields


class TestSilence:
    def test_six_hours_with_a_change_at_every_look_take_at_most_twenty_lines(self, tracker, log):
        lines = []
        for minute in range(361):
            end(tracker, 2, JobState.FAILED if minute == 25 else JobState.COMPLETED)
            lines += [line for line in [log.line(tracker, START + minute * MINUTE)] if line]

        assert 10 <= len(lines) <= 20

    def test_six_hours_without_a_change_take_a_line_an_hour(self, tracker, log):
        lines = [log.line(tracker, START + minute * MINUTE) for minute in range(361)]

        assert [minute for minute, line in enumerate(lines) if line] == [0, 60, 120, 180, 240, 300, 360]

    def test_the_first_failure_is_said_at_once_and_the_next_in_its_turn(self, tracker, log):
        said = []
        for minute in range(10 + QUIET_MINUTES):
            end(tracker, 1, JobState.FAILED if minute in (5, 7) else JobState.COMPLETED)
            said.append(bool(log.line(tracker, START + minute * MINUTE)))

        assert [minute for minute, spoke in enumerate(said) if spoke] == [0, 5, 5 + QUIET_MINUTES]

    def test_a_missing_id_is_a_failure_too(self, tracker, log):
        log.line(tracker, START)
        tracker.take([BulkRecord(id="job00000", error=UNKNOWN)], START)
        tracker.take([BulkRecord(id="job00000", error=UNKNOWN)], START + 181)
        tracker.close_missing(START + 181, interval=MINUTE)

        assert "1 unknown to the platform" in (log.line(tracker, START + 181) or "")

    def test_a_wait_that_was_announced_elsewhere_is_silent_at_first(self, tracker):
        log = ProgressLog(said_at=START, said=(0, 0))
        end(tracker, 5)

        assert log.line(tracker, START + QUIET - 1) is None
        assert log.line(tracker, START + QUIET) is not None


class TestTrouble:
    def test_trouble_is_said_once_in_a_while(self, log):
        minutes = range(3 * QUIET_MINUTES)

        lines = [log.trouble("Maintenance.", START + minute * MINUTE, next_look=60) for minute in minutes]

        said = [minute for minute, line in enumerate(lines) if line]
        assert said == [0, QUIET_MINUTES, 2 * QUIET_MINUTES]

    def test_the_line_says_that_the_jobs_go_on_and_when_the_next_look_is(self, log):
        line = log.trouble("The platform is in maintenance.", START, next_look=61.7)

        assert line == "The platform is in maintenance. The jobs are not affected; looking again in 62 s."

    def test_the_end_of_trouble_is_said_with_its_length(self, log):
        log.trouble("Down.", START, next_look=60)

        assert log.recovered(START + 31 * MINUTE) == "The platform answers again after 31 min."
        assert log.recovered(START + 32 * MINUTE) is None

    def test_without_trouble_there_is_nothing_to_recover_from(self, log):
        assert log.recovered(START) is None

    def test_the_end_of_a_hiccup_is_not_said(self, log):
        """One request of a look failed and another was answered a moment later."""
        log.trouble("Down.", START, next_look=60)

        assert log.recovered(START + 0.2) is None

    def test_trouble_that_comes_and_goes_is_one_pair_of_lines_in_a_while(self, log):
        lines = []
        for minute in range(0, 3 * QUIET_MINUTES, 2):
            lines.append(log.trouble("Down.", START + minute * MINUTE, next_look=60))
            lines.append(log.recovered(START + (minute + 1) * MINUTE))

        assert len([line for line in lines if line]) == 6

    def test_a_rescheduled_sensor_does_not_repeat_its_trouble_at_every_poke(self, log):
        lines = []
        for minute in range(2 * QUIET_MINUTES):
            lines.append(log.trouble("Maintenance.", START + minute * MINUTE, next_look=60))
            log = ProgressLog.from_json(log.to_json())

        assert len([line for line in lines if line]) == 2
        assert log.recovered(START + 60 * MINUTE) == "The platform answers again after 60 min."

    def test_what_an_older_release_stored_can_be_read(self):
        log = ProgressLog.from_json({"said_at": START, "said": [3, 1]})

        assert (log.said_at, log.said, log.in_trouble_since) == (START, (3, 1), None)

    def test_a_new_log_can_be_stored(self, log):
        assert ProgressLog.from_json(log.to_json()) == log


class TestProgress:
    @every_kind
    def test_every_job_is_in_one_of_the_numbers(self, kind):
        tracker = JobTracker.of(kind, some_ids(8))
        states = [JobState.COMPLETED, JobState.FAILED, JobState.RUNNING, JobState.UNKNOWN, JobState.PENDING]
        for job_id, state in zip(some_ids(5), states, strict=True):
            tracker.take([BulkRecord(id=job_id, resource=job(job_id, state, size=2 * 10**12, kind=kind))], START)
        for at in (START, START + 181):
            tracker.take([BulkRecord(id="job00005", error=UNKNOWN)], at)
        tracker.close_missing(START + 181, interval=MINUTE)

        assert progress(tracker) == (
            f"1 of 8 {kind.plural} completed, 1 failed, 1 unknown to the platform, 2 running, 1 pending, 2 not seen"
            " yet, 2.0 TB."
        )

    def test_what_is_not_there_is_not_said(self, tracker):
        end(tracker, 1000, size=None)

        assert progress(tracker) == "1000 of 1000 exports completed."

    def test_what_was_never_sent_is_told_apart(self):
        tracker = JobTracker.of(EXPORT, ["a"])
        for sent in (True, False, False):
            tracker.add_failed({"file": "f"}, Problem(None, None, "no"), sent=sent)
        words = "3 failed (of which 2 were not sent)"

        assert words in progress(tracker)
        assert f"{words} and tolerated" in closing_line(tracker.summary())

    @pytest.mark.parametrize(
        ("counts", "words"),
        [
            ({"failed": 3}, "290 of 300 exports completed in 12 min, 3 failed and tolerated."),
            ({"missing": 2}, "290 of 300 exports completed in 12 min, 2 unknown to the platform and tolerated."),
            (
                {"failed": 3, "missing": 2, "skipped": 5},
                "290 of 300 exports completed in 12 min, 5 skipped, 3 failed and 2 unknown to the platform and"
                " tolerated.",
            ),
        ],
        ids=str,
    )
    def test_what_was_tolerated_is_told_as_what_it_is(self, counts, words):
        assert closing_line(failed_summary(**{"completed": 290, "seconds": 720, **counts})) == words

    @pytest.mark.parametrize(
        ("facts", "line"),
        [
            ({"seconds": 11100, "bytes": 1_500_000}, "300 of 300 exports completed in 3 h 05 min, 1.5 MB."),
            ({"seconds": None, "bytes": 0}, "300 of 300 exports completed."),
            ({"seconds": 0.0, "bytes": 0}, "300 of 300 exports completed in 0 s."),
        ],
    )
    def test_a_good_end_is_one_line(self, facts, line):
        assert closing_line(failed_summary(**{"completed": 300} | facts)) == line

    def test_a_night_without_anything_new_is_told_as_one(self):
        summary = JobTracker.of(EXPORT, []).summary()

        assert closing_line(summary) == "There were no exports: nothing had to be done."

    @pytest.mark.parametrize(("total", "words"), [(1, "1 of 1 import completed."), (2, "2 of 2 imports completed.")])
    def test_a_good_end_of_imports_says_imports(self, total, words):
        assert closing_line(Summary(IMPORT, total=total, completed=total)) == words


class TestFailureTable:
    def test_a_row_names_key_file_code_and_message(self):
        assert failure_table(failed_summary(item(code=None)))[0] == (
            "  results/0.bam, file file0: Location on volume already contains a file."
        )
        assert failure_table(failed_summary(item()))[0] == (
            "  results/0.bam, file file0: 9107: Location on volume already contains a file."
        )

    def test_causes_come_by_size_with_one_remedy_each(self):
        items = [item(0, code=9100), item(1), item(2), item(3, code=9100), item(4)]

        lines = failure_table(failed_summary(*items))

        assert [line.split(". ")[0] for line in lines] == [
            "  3 with 9107 (Location on volume already contains a file)",
            *(f"    {describe_item(one, EXPORT)}" for one in items if one["code"] == 9107),
            "  2 with 9100 (Location on volume already contains a file)",
            *(f"    {describe_item(one, EXPORT)}" for one in items if one["code"] == 9100),
        ]
        assert lines[0].endswith(f"file). What to do about 9107: {REMEDIES[9107].text}")
        assert lines[4].endswith(f"file). What to do about 9100: {REMEDIES[9100].text}")

    def test_a_failure_that_is_alone_has_its_remedy_below(self):
        assert failure_table(failed_summary(item())) == [
            f"  {describe_item(item(), EXPORT)}",
            f"  What to do about 9107: {REMEDIES[9107].text}",
        ]

    def test_a_code_with_two_messages_has_its_remedy_once(self):
        items = [item(0), item(1), item(2, message="It is a folder."), item(3, message="It is a folder.")]

        lines = failure_table(failed_summary(*items))

        assert "  2 with 9107 (It is a folder)." in lines
        assert sum("What to do about 9107" in line for line in lines) == 1

    def test_messages_that_differ_by_names_share_a_cause(self):
        items = [
            item(number, code=None, message=f"The object has {number} bytes instead of 7 at 'a {number}.bam'.")
            for number in range(3)
        ]

        lines = failure_table(failed_summary(*items))

        assert lines[0] == "  3: The object has ... bytes instead of ... at ...."
        assert lines[2] == "    results/1.bam, file file1: The object has 1 bytes instead of 7 at 'a 1.bam'."

    def test_a_code_that_nobody_knows_has_no_remedy(self):
        assert len(failure_table(failed_summary(item(code=123456)))) == 1

    def test_ten_failures_are_named_and_all_are_counted(self):
        causes = [{"code": 9107, "message": item()["message"], "count": 3900}]
        causes.append({"code": 9100, "message": "Storage is down.", "count": 107})
        items = [item(number) for number in range(100)]

        lines = failure_table(failed_summary(*items, failed=4000, missing=7, causes=causes))

        assert sum(line.startswith("    results/") for line in lines) == 10
        assert lines[0].startswith("  3900 with 9107 ")
        assert "    ... and 3890 more" in lines
        assert any(line.startswith("  107 with 9100 (Storage is down). What to do about 9100: ") for line in lines)
        assert lines[-1] == "  XCom 'cgc_summary' has 100 of them."

    def test_what_no_cause_counts_is_not_given_one(self):
        """The summary of a release that did not count causes, of which the first hundred failures are known."""
        lines = failure_table(failed_summary(*(item(number) for number in range(3)), failed=4000))

        assert lines[0].startswith("  3 with 9107 ")
        assert "  3997 not counted by cause." in lines

    @pytest.mark.parametrize("failed", [1, 300])
    def test_the_table_names_the_manifest(self, failed):
        manifest = "s3://aws@bucket/out.jsonl"

        lines = failure_table(failed_summary(item(), failed=failed, manifest=manifest))

        assert lines[-1].endswith(f"in the manifest {manifest}")

    def test_a_good_end_has_no_table(self):
        assert failure_table(failed_summary(manifest="s3://bucket/out.jsonl")) == []

    @pytest.mark.parametrize(
        ("sizes", "rows", "shares"),
        [
            ((40, 15, 5), 10, [4, 3, 3]),
            ((40, 1, 1), 10, [8, 1, 1]),
            ((3, 2), 10, [3, 2]),
            ((5, 4, 3), 2, [1, 1, 0]),
            ((), 5, []),
        ],
        ids=str,
    )
    def test_rows_are_shared_out_among_causes(self, sizes, rows, shares):
        groups = [Group(None, "x", size, [item(number) for number in range(size)]) for size in sizes]

        assert shared_out(groups, rows) == shares

    def test_the_table_of_many_codes_stays_short(self):
        lines = failure_table(failed_summary(*(item(number, code=9100 + number) for number in range(20))))

        assert sum(line.startswith("  results/") for line in lines) == 10
        assert len(lines) <= 10 + 20 + 10 + 1

    def test_the_file_s_name_is_shown_where_the_key_does_not_show_it(self):
        assert describe_item(item(name="0.bam"), EXPORT).startswith("results/0.bam, file")
        assert describe_item(item(name="tumor.bam"), EXPORT).startswith("results/0.bam (tumor.bam), file")

    def test_a_missing_job_is_named_by_its_id(self):
        missing = {"id": "job7", "file": None, "code": 9008, "message": "The platform does not know this export job."}

        assert describe_item(missing, EXPORT) == "job7: 9008: The platform does not know this export job."

    @pytest.mark.parametrize(
        ("told", "begin"),
        [({}, f"file {'a' * 24}: "), ({"name": "a.bam"}, f"a.bam, file {'a' * 24}: "), ({"id": "job7"}, "job7, file ")],
    )
    def test_an_item_without_a_place_is_named_by_what_is_known_of_it(self, told, begin):
        row = describe_item(
            {"id": None, "file": "a" * 24, "location": None, "code": None, "message": "No."} | told, EXPORT
        )

        assert row.startswith(begin)
        assert "None" not in row

    @pytest.mark.parametrize(
        ("fields", "row"),
        [
            ({"project": "lab/p"}, "batch1/s1.fastq.gz, to project lab/p: 9108: File already exists."),
            (
                {"project": "lab/p", "name": "s1.fastq.gz"},
                "batch1/s1.fastq.gz, to project lab/p: 9108: File already exists.",
            ),
            (
                {"parent": "65a1", "name": "first.fastq.gz"},
                "batch1/s1.fastq.gz (first.fastq.gz), to folder 65a1: 9108: File already exists.",
            ),
            (
                {"location": "raw/", "project": "lab/p", "name": "raw"},
                "raw/, to project lab/p: 9108: File already exists.",
            ),
            ({"project": None}, "batch1/s1.fastq.gz: 9108: File already exists."),
        ],
    )
    def test_a_row_of_an_import_names_where_from_and_where_to(self, fields, row):
        told = {"id": "a", "volume": "lab/in", "location": "batch1/s1.fastq.gz", "code": 9108}

        assert describe_item(told | {"message": "File already exists."} | fields, IMPORT) == row

    @pytest.mark.parametrize("name", [7, ["x"], 1.5])
    def test_a_name_that_is_none_does_not_break_the_row(self, name):
        assert f"({name})" in describe_item(item(name=name), EXPORT)

    @pytest.mark.parametrize("kind", [EXPORT, IMPORT], ids=str)
    @pytest.mark.parametrize("field", ["location", "name", "message", "file", "project", "parent"])
    def test_a_name_with_a_line_break_cannot_forge_a_line_of_the_log(self, field, kind):
        row = describe_item(item(**{field: "x\n[2026-01-01] INFO - all well\r\x1b[2K"}), kind)

        assert row.isprintable()

    def test_an_endless_name_does_not_make_an_endless_line(self):
        assert len(describe_item(item(location="x" * 100_000), EXPORT)) <= 3000


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (38.5e12, "38.5 TB"),
        (10**18, "1000000.0 TB"),
    ],
)
def test_bytes_are_written_as_the_platform_s_pages_do(count, text):
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (89, "89 s"),
        (90, "2 min"),
        (12 * MINUTE, "12 min"),
        (89 * MINUTE, "89 min"),
        (90 * MINUTE, "1 h 30 min"),
        (3 * HOUR + 5 * MINUTE, "3 h 05 min"),
        (49 * HOUR, "49 h 00 min"),
    ],
)
def test_seconds_are_written_as_people_read_them(seconds, text):
    assert duration(seconds) == text


def test_times_are_utc():
    assert clock_time(START) == "2025-06-15 15:06:40 UTC"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CgcConnectionError("the line dropped", sent=True), "the line dropped."),
        (CgcConnectionError("The line dropped. ", sent=True), "The line dropped."),
        (ValueError("what?"), "what?"),
        (ValueError(), "ValueError."),
        (ValueError(Problem(500, None, "oops")), "HTTP 500: oops."),
    ],
    ids=repr,
)
def test_an_error_s_text_is_made_a_sentence(error, text):
    assert as_sentence(error) == text
