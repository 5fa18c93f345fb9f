"""The lines of a wait: little while it goes well, everything that helps when it did not."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.client.errors.problem import REMEDIES, BulkRecord, Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS
from airflow_provider_cgc.jobs.text import clock_time, duration, human_bytes
from airflow_provider_cgc.jobs.waiting.causes import Group
from airflow_provider_cgc.jobs.waiting.progress_log import QUIET, ProgressLog, as_sentence, progress
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
    def test_six_busy_hours(self, tracker, log):
        """Six hours with a change at every look take at most twenty lines."""
        lines = []
        for minute in range(361):
            end(tracker, 2, JobState.FAILED if minute == 25 else JobState.COMPLETED)
            lines += [line for line in [log.line(tracker, START + minute * MINUTE)] if line]

        assert 10 <= len(lines) <= 20

    def test_six_quiet_hours(self, tracker, log):
        """Six hours without a change take a line an hour."""
        lines = [log.line(tracker, START + minute * MINUTE) for minute in range(361)]

        assert [minute for minute, line in enumerate(lines) if line] == [0, 60, 120, 180, 240, 300, 360]

    def test_first_failure_at_once(self, tracker, log):
        """The first failure is said at once, and the next in its turn."""
        said = []
        for minute in range(10 + QUIET_MINUTES):
            end(tracker, 1, JobState.FAILED if minute in (5, 7) else JobState.COMPLETED)
            said.append(bool(log.line(tracker, START + minute * MINUTE)))

        assert [minute for minute, spoke in enumerate(said) if spoke] == [0, 5, 5 + QUIET_MINUTES]

    def test_missing_is_a_failure(self, tracker, log):
        log.line(tracker, START)
        tracker.take([BulkRecord(id="job00000", error=UNKNOWN)], START)
        tracker.take([BulkRecord(id="job00000", error=UNKNOWN)], START + 181)
        tracker.close_missing(START + 181, interval=MINUTE)

        assert "1 unknown to the platform" in (log.line(tracker, START + 181) or "")

    def test_announced_is_silent(self, tracker):
        log = ProgressLog(said_at=START, said=(0, 0))
        end(tracker, 5)

        assert log.line(tracker, START + QUIET - 1) is None
        assert log.line(tracker, START + QUIET) is not None


class TestTrouble:
    def test_trouble_once_in_a_while(self, log):
        minutes = range(3 * QUIET_MINUTES)

        lines = [log.trouble("Maintenance.", START + minute * MINUTE, next_look=60) for minute in minutes]

        said = [minute for minute, line in enumerate(lines) if line]
        assert said == [0, QUIET_MINUTES, 2 * QUIET_MINUTES]

    def test_next_look_is_told(self, log):
        """The line says that the jobs go on, and when the next look is."""
        line = log.trouble("The platform is in maintenance.", START, next_look=61.7)

        assert line == "The platform is in maintenance. The jobs are not affected; looking again in 62 s."

    def test_trouble_has_a_length(self, log):
        log.trouble("Down.", START, next_look=60)

        assert log.recovered(START + 31 * MINUTE) == "The platform answers again after 31 min."
        assert log.recovered(START + 32 * MINUTE) is None

    def test_no_trouble_no_recovery(self, log):
        assert log.recovered(START) is None

    def test_hiccups_end_is_silent(self, log):
        """One request of a look failed and another was answered a moment later."""
        log.trouble("Down.", START, next_look=60)

        assert log.recovered(START + 0.2) is None

    def test_flapping_is_one_pair(self, log):
        """Trouble that comes and goes is one pair of lines in a while."""
        lines = []
        for minute in range(0, 3 * QUIET_MINUTES, 2):
            lines.append(log.trouble("Down.", START + minute * MINUTE, next_look=60))
            lines.append(log.recovered(START + (minute + 1) * MINUTE))

        assert len([line for line in lines if line]) == 6

    def test_pokes_repeat_no_trouble(self, log):
        """A rescheduled sensor does not repeat its trouble at every poke."""
        lines = []
        for minute in range(2 * QUIET_MINUTES):
            lines.append(log.trouble("Maintenance.", START + minute * MINUTE, next_look=60))
            log = ProgressLog.from_json(log.to_json())

        assert len([line for line in lines if line]) == 2
        assert log.recovered(START + 60 * MINUTE) == "The platform answers again after 60 min."

    def test_older_store_is_read(self):
        log = ProgressLog.from_json({"said_at": START, "said": [3, 1]})

        assert (log.said_at, log.said, log.in_trouble_since) == (START, (3, 1), None)

    def test_new_log_can_be_stored(self, log):
        assert ProgressLog.from_json(log.to_json()) == log


class TestProgress:
    @every_kind
    def test_every_job_has_a_number(self, kind):
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

    def test_absent_is_not_said(self, tracker):
        end(tracker, 1000, size=None)

        assert progress(tracker) == "1000 of 1000 exports completed."

    def test_unsent_is_told_apart(self):
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
    def test_tolerated_is_told(self, counts, words):
        assert closing_line(failed_summary(**{"completed": 290, "seconds": 720, **counts})) == words

    @pytest.mark.parametrize(
        ("facts", "line"),
        [
            ({"seconds": 11100, "bytes": 1_500_000}, "300 of 300 exports completed in 3 h 05 min, 1.5 MB."),
            ({"seconds": None, "bytes": 0}, "300 of 300 exports completed."),
            ({"seconds": 0.0, "bytes": 0}, "300 of 300 exports completed in 0 s."),
        ],
    )
    def test_good_end_is_one_line(self, facts, line):
        assert closing_line(failed_summary(**{"completed": 300} | facts)) == line

    def test_quiet_night_is_one(self):
        summary = JobTracker.of(EXPORT, []).summary()

        assert closing_line(summary) == "There were no exports: nothing had to be done."

    @pytest.mark.parametrize(("total", "words"), [(1, "1 of 1 import completed."), (2, "2 of 2 imports completed.")])
    def test_imports_are_imports(self, total, words):
        assert closing_line(Summary(IMPORT, total=total, completed=total)) == words


class TestFailureTable:
    def test_row_has_key_and_code(self):
        """A row names the key, the file, the code and the message."""
        assert failure_table(failed_summary(item(code=None)))[0] == (
            "  results/0.bam, file file0: Location on volume already contains a file."
        )
        assert failure_table(failed_summary(item()))[0] == (
            "  results/0.bam, file file0: 9107: Location on volume already contains a file."
        )

    def test_causes_come_by_size(self):
        """Causes come by size, with one remedy each."""
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

    def test_lone_has_its_remedy(self):
        assert failure_table(failed_summary(item())) == [
            f"  {describe_item(item(), EXPORT)}",
            f"  What to do about 9107: {REMEDIES[9107].text}",
        ]

    def test_two_messages_one_remedy(self):
        items = [item(0), item(1), item(2, message="It is a folder."), item(3, message="It is a folder.")]

        lines = failure_table(failed_summary(*items))

        assert "  2 with 9107 (It is a folder)." in lines
        assert sum("What to do about 9107" in line for line in lines) == 1

    def test_names_share_a_cause(self):
        items = [
            item(number, code=None, message=f"The object has {number} bytes instead of 7 at 'a {number}.bam'.")
            for number in range(3)
        ]

        lines = failure_table(failed_summary(*items))

        assert lines[0] == "  3: The object has ... bytes instead of ... at ...."
        assert lines[2] == "    results/1.bam, file file1: The object has 1 bytes instead of 7 at 'a 1.bam'."

    def test_unknown_has_no_remedy(self):
        assert len(failure_table(failed_summary(item(code=123456)))) == 1

    def test_ten_are_named_all_count(self):
        causes = [{"code": 9107, "message": item()["message"], "count": 3900}]
        causes.append({"code": 9100, "message": "Storage is down.", "count": 107})
        items = [item(number) for number in range(100)]

        lines = failure_table(failed_summary(*items, failed=4000, missing=7, causes=causes))

        assert sum(line.startswith("    results/") for line in lines) == 10
        assert lines[0].startswith("  3900 with 9107 ")
        assert "    ... and 3890 more" in lines
        assert any(line.startswith("  107 with 9100 (Storage is down). What to do about 9100: ") for line in lines)
        assert lines[-1] == "  XCom 'cgc_summary' has 100 of them."

    def test_uncounted_has_no_cause(self):
        """The summary of a release that did not count causes, of which the first hundred failures are known."""
        lines = failure_table(failed_summary(*(item(number) for number in range(3)), failed=4000))

        assert lines[0].startswith("  3 with 9107 ")
        assert "  3997 not counted by cause." in lines

    @pytest.mark.parametrize("failed", [1, 300])
    def test_table_has_the_manifest(self, failed):
        manifest = "s3://aws@bucket/out.jsonl"

        lines = failure_table(failed_summary(item(), failed=failed, manifest=manifest))

        assert lines[-1].endswith(f"in the manifest {manifest}")

    def test_good_end_has_no_table(self):
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
    def test_causes_share_the_rows(self, sizes, rows, shares):
        groups = [Group(None, "x", size, [item(number) for number in range(size)]) for size in sizes]

        assert shared_out(groups, rows) == shares

    def test_many_codes_stay_short(self):
        lines = failure_table(failed_summary(*(item(number, code=9100 + number) for number in range(20))))

        assert sum(line.startswith("  results/") for line in lines) == 10
        assert len(lines) <= 10 + 20 + 10 + 1

    def test_hidden_name_is_shown(self):
        """The file's name is shown if the key does not show it."""
        assert describe_item(item(name="0.bam"), EXPORT).startswith("results/0.bam, file")
        assert describe_item(item(name="tumor.bam"), EXPORT).startswith("results/0.bam (tumor.bam), file")

    def test_missing_has_its_id(self):
        missing = {"id": "job7", "file": None, "code": 9008, "message": "The platform does not know this export job."}

        assert describe_item(missing, EXPORT) == "job7: 9008: The platform does not know this export job."

    @pytest.mark.parametrize(
        ("told", "begin"),
        [({}, f"file {'a' * 24}: "), ({"name": "a.bam"}, f"a.bam, file {'a' * 24}: "), ({"id": "job7"}, "job7, file ")],
    )
    def test_placeless_item_is_named(self, told, begin):
        """An item without a place is named by the facts that are known."""
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
    def test_import_row_has_both_ends(self, fields, row):
        told = {"id": "a", "volume": "lab/in", "location": "batch1/s1.fastq.gz", "code": 9108}

        assert describe_item(told | {"message": "File already exists."} | fields, IMPORT) == row

    @pytest.mark.parametrize("name", [7, ["x"], 1.5])
    def test_odd_name_breaks_no_row(self, name):
        assert f"({name})" in describe_item(item(name=name), EXPORT)

    @pytest.mark.parametrize("kind", [EXPORT, IMPORT], ids=str)
    @pytest.mark.parametrize("field", ["location", "name", "message", "file", "project", "parent"])
    def test_name_forges_no_line(self, field, kind):
        row = describe_item(item(**{field: "x\n[2026-01-01] INFO - all well\r\x1b[2K"}), kind)

        assert row.isprintable()

    def test_endless_name_is_cut(self):
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
def test_bytes_as_the_platforms(count, text):
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
def test_seconds_as_people_read(seconds, text):
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
def test_error_is_a_sentence(error, text):
    assert as_sentence(error) == text
