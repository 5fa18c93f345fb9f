"""The report: one table for a terminal, and the page `bench/RESULTS.md`; knows only values and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.bars import Bar
from bench.cases import CASES, CONTENDERS
from bench.import_figures import compared as imports_compared
from bench.import_figures import table as imports_table
from bench.triggerer_figures import table as triggerer_table

HEAD = ("case", "waiting by", "requests", "429", "mean lag", "worst lag", "CPU s", "memory", "loop p99 / worst", "")
NUMBERS = range(2, 9)
"""The columns that hold numbers, set to the right."""
MEGA = 1e6
MINUTE = 60.0

NOTES = """\
Each row is a process of its own, with its own emulated platform, and real HTTP over loopback.
Time is virtual: each call takes 0.3 s of it, half before and half after the platform answers, and the emulator's clock is the same.
Jobs take 10 minutes in the mean (a gamma distribution of shape 4, the same jobs for all), and all run side by side from the start.
Everybody looks once a minute, in the case of the second client every 10 s, and after a 429 sleeps until the window of 300 s ends.

- **requests, 429**: what the platform counted until the last job's end was known; for one job the mean of 25 waits.
- **lag**: seconds from a job's end, by the platform's own books, until the contender knew; `≥` where it was stopped early: what it had not seen by then counts as long as it was overdue.
- **CPU s**: of the process, less the emulator's threads; of a contender without an event loop also less the one that keeps the virtual time, which otherwise costs about 0.2 ms a request.
- **memory**: peak of the resident memory above what it was just before the waiting began, when Python, Airflow or the SDK, the emulator and the jobs were there. Scripts that wait side by side are threads of one process here, in life each is a process of its own.
- **loop**: CPU milliseconds of one turn of the event loop, after the first sweep, of those that wait in the triggerer; for so long every other trigger stands still.
"""  # noqa: E501  a paragraph of the page


def rows(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """One row of the table for each result."""
    return [_row(result) for result in results]


def aligned(table: Sequence[Sequence[str]]) -> str:
    """The table for a terminal; numbers to the right."""
    lines = [HEAD, *table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The table for a page."""
    rule = ["---:" if column in NUMBERS else "---" for column in range(len(HEAD))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (HEAD, rule, *table))


def page(
    results: Iterable[Mapping[str, Any]],
    kept: Sequence[Bar],
    sweep: Mapping[str, Any],
    triggerer: Sequence[Mapping[str, Any]],
    imports: Sequence[Mapping[str, Any]],
    made: str,
) -> str:
    """The whole of `bench/RESULTS.md`; `made` says when and on what."""
    return (
        "\n\n".join(
            (
                "# What waiting costs",
                f"Written by `make bench`; do not edit.\n{made}",
                "## Promises",
                _promises(kept),
                "## All rows",
                markdown(rows(results)),
                NOTES.strip(),
                "## A worker's sweep",
                "CPU seconds of one look at 10,000 ids by the sensor's own code, beside a bare loop of `requests` and `json` over the same 100 calls; medians of repetitions in turn. A call takes 0.05 s, or no time at all, which no platform keeps up but which shows what threads cost.",  # noqa: E501  a sentence of the page
                _sweep(sweep),
                "## In Airflow's own triggerer",
                "1,000 waits of 10 jobs in real time, beside an idle triggerer, one with as many triggers that only sleep, and one whose triggers poll each for itself; one interval is 10 s here. The triggerer is killed and started again in the midst of it.",  # noqa: E501  a sentence of the page
                _triggerer(triggerer),
                *_imports(imports),
            )
        )
        + "\n"
    )


def _promises(kept: Sequence[Bar]) -> str:
    lines = ["| what | measured | at most | |", "|---|---:|---:|---|"]
    lines += [f"| {bar.what} | {bar.told(bar.value)} | {bar.told(bar.most)} | {_verdict(bar)} |" for bar in kept]
    return "\n".join(lines)


def _verdict(bar: Bar) -> str:
    return "kept" if bar.kept else "**missed**"


def _sweep(sweep: Mapping[str, Any]) -> str:
    lines = ["| jobs | bare loop | this provider | times |", "|---|---:|---:|---:|"]
    for latency, states in (("", sweep), (", answered at once", sweep["at_once"])):
        for state in ("running", "ended"):
            one = states[state]
            lines.append(f"| {state}{latency} | {one['bare']:.2f} | {one['ours']:.2f} | {one['ratio']:.2f} |")
    return "\n".join(lines)


def _triggerer(measured: Sequence[Mapping[str, Any]]) -> str:
    return _figures(triggerer_table(measured))


def _imports(measured: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield "## An import"
    yield "10,000 objects below 1,500 prefixes, listed and imported into the same tree with metadata, on virtual time as above; 1,000 requests are granted in 300 seconds. A script imports without listing, and makes no folders. In a worker: the time for which a worker's slot is taken. Memory is the peak of the whole process, with Airflow or the script and the emulated platform."  # noqa: E501  a paragraph of the page
    yield _figures(imports_table(measured))
    if told := imports_compared(measured):
        yield told


def _figures(table: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text, and the others numbers."""
    head, *lines = table
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    at_least = "≥ " if result["capped_after"] is not None else ""
    return (
        CASES[result["case"]].title,
        CONTENDERS[result["contender"]].title,
        _count(result["requests"]),
        _count(result["refused"]),
        f"{at_least}{result['lag_mean']:,.1f}",
        f"{at_least}{result['lag_worst']:,.1f}",
        f"{result['cpu']:,.2f}",
        f"{result['memory'] / MEGA:,.0f} MB",
        _loop(result),
        "; ".join(_remarks(result)),
    )


def _remarks(result: Mapping[str, Any]) -> Iterable[str]:
    if result["capped_after"] is not None:
        yield f"{result['seen']:,} of {result['jobs']:,} seen after {result['capped_after'] / MINUTE:.0f} min"
    if "at_restart" in result:
        yield f"{result['at_restart']:,} requests within 30 s of the restart"
    if "beside" in result:
        beside = result["beside"]
        yield f"the other's: {beside['others_refused']:,} of {beside['others']:,} refused"


def _loop(result: Mapping[str, Any]) -> str:
    if "loop_p99" not in result:
        return ""
    return f"{result['loop_p99'] * 1000:.1f} / {result['loop_worst'] * 1000:.1f} ms"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"
