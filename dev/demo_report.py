"""The demo's words: one line while it runs, a table at the end. Knows only values and a text stream."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
HEAD = ("Dag", "files", "bytes", "state", "expected", "requests", "platform s", "wall s", "run")
NUMBERS = ("files", "bytes", "requests", "platform s", "wall s")


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a Dag of the demo.

    `seconds` is the platform's time from the first job's start to the last one's end, the longest of mapped sensors,
    because they wait side by side; `took` is the run's wall time.
    """

    dag_id: str
    state: str
    expected: str
    files: int
    bytes: int
    requests: int
    seconds: float
    took: float
    url: str
    failed_items: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def problem(self) -> str:
        """The difference from what the demo shows; empty if none."""
        if self.state != self.expected:
            return f"it is {self.state} and should be {self.expected}"
        if not self.files:
            return f"it is {self.state}, but waited for no file"
        if self.expected == "failed" and not self.failed_items:
            return "it failed, but not because of a failed file"
        return ""


def human_bytes(count: float) -> str:
    """'999 B', '1.5 GB': decimal units, as the platform and the stores bill them."""
    size = float(count)
    for unit in UNITS:
        if round(size, 0 if unit == "B" else 1) < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes everything")


def clock_time(seconds: float) -> str:
    """'1:05'."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def table(results: Iterable[Result]) -> str:
    """The results as aligned text; numbers to the right."""
    rows = [HEAD, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(_cell(row[i], widths[i], HEAD[i]) for i in range(len(HEAD))).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def failures(result: Result, *, at_most: int = 5) -> str:
    """The first failed files of a result, one line each."""
    # A Dag that ends well has exported them at a second try.
    what = "what its error names" if result.state == "failed" else "what failed at first"
    lines = [f"{result.dag_id}: {what}"]
    for item in result.failed_items[:at_most]:
        name = item.get("name") or item.get("location")
        what = f"{item.get('file')} ({name})" if name else f"{item.get('file')}"
        lines.append(f"  file {what}: code {item.get('code')}, {item.get('message')}")
    if len(result.failed_items) > at_most:
        lines.append(f"  and {len(result.failed_items) - at_most} more")
    return "\n".join(lines)


def task_counts(tasks: Iterable[Mapping[str, Any]]) -> str:
    """'38 deferred, 2 success'; a task without a state is waiting for its turn."""
    counts = Counter(str(task["state"] or "waiting") for task in tasks)
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no tasks yet"


class ProgressLine:
    """One line that is rewritten on a terminal, and elsewhere printed at most every `every` seconds."""

    def __init__(self, out: TextIO, *, every: float = 10.0, now: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._every = every
        self._now = now
        self._shown_at: float | None = None
        self._width = 0

    def show(self, text: str) -> None:
        if self._out.isatty():
            # A line that wraps could not be rewritten.
            text = text[: shutil.get_terminal_size().columns - 1]
            self._out.write("\r" + text.ljust(self._width))
            self._width = len(text)
        elif self._shown_at is None or self._now() - self._shown_at >= self._every:
            self._out.write(text + "\n")
            self._shown_at = self._now()
        self._out.flush()

    def end(self, text: str) -> None:
        """Replace the line by its last words."""
        self._out.write(("\r" + text.ljust(self._width) if self._out.isatty() else text).rstrip() + "\n")
        self._out.flush()
        self._width, self._shown_at = 0, None


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.dag_id,
        f"{result.files:,}",
        human_bytes(result.bytes),
        result.state,
        result.expected,
        f"{result.requests:,}",
        f"{result.seconds:.0f}",
        f"{result.took:.0f}",
        result.url,
    )


def _cell(text: str, width: int, head: str) -> str:
    return text.rjust(width) if head in NUMBERS else text.ljust(width)
