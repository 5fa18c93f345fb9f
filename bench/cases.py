"""The measurements: cases, contenders, and the time that each pair may take. Knows only values."""

from __future__ import annotations

from dataclasses import dataclass

SWEEP = "worker-sweep"
"""The one case that is no waiting: see `sweep.py`."""
TRIGGERER = "triggerer"
"""The case in real time, in Airflow's own triggerer: see `triggerer.py`."""
EXPORTS = "exports"
"""The case of submitting, in real time: see `exports.py`."""
IMPORTS = "imports"
"""The case of importing: see `imports.py`."""
MINUTE = 60.0
INTERVAL = 60.0
LATENCY = 0.3
"""Seconds that one call takes, half of them on the way there."""
MEAN = 600.0
"""Mean seconds that a job takes, from its submission to its end."""
LIMIT = 1000
"""Requests of one user in a window."""
WINDOW = 300.0
"""Seconds of a window, as the platform documents it."""
SHARE = 0.8
"""The part of them that Airflow may use up, by default."""
OTHERS = 200
"""Requests in a window that the second client sends, evenly: 20 % of the limit."""


EVERYBODY = ("ours", "script", "sdk-bulk", "sdk-reload", "get", "trigger")


@dataclass(frozen=True, slots=True)
class Case:
    """So many waits of so many jobs, and what happens to them."""

    name: str
    title: str
    waits: int
    jobs: int
    """Jobs of each wait."""
    interval: float = INTERVAL
    rounds: int = 1
    """The times that the case is played in a row, with other durations; the counts are per round."""
    spread: float = 0.0
    """Seconds within which the waits begin; 0: all at once."""
    mapped: bool = False
    """Each wait is a mapped task, whose first look is left to the triggerer."""
    others: int = 0
    """Requests in 300 seconds that another client of the same user sends."""
    restart_at: float | None = None
    """Seconds until all is killed and begins anew."""
    long: bool = False
    """Asking job by job takes hours: such contenders are stopped early."""
    contenders: tuple[str, ...] = EVERYBODY

    def stops_after(self, contender: Contender) -> float | None:
        """Virtual seconds after which a contender is stopped; some minutes of a restart are always seen."""
        if not self.long or contender.patience is None:
            return None
        return max(contender.patience, (self.restart_at or 0.0) + 5 * MINUTE)

    @property
    def total(self) -> int:
        """Jobs of all waits of one round."""
        return self.waits * self.jobs


CASES = {
    case.name: case
    for case in (
        Case("one-job", "1 job", waits=1, jobs=1, rounds=25),
        Case("hundred-jobs", "100 jobs in one wait", waits=1, jobs=100),
        Case("ten-thousand-jobs", "10,000 jobs in one wait", waits=1, jobs=10_000, long=True),
        Case("thousand-waits", "1,000 waits of 10 jobs", waits=1000, jobs=10, mapped=True, long=True),
        Case("forty-dags", "40 Dags of 25 jobs, begun within a minute", waits=40, jobs=25, spread=MINUTE, long=True),
        Case(
            "restart",
            "1,000 waits of 10 jobs, all restarted after 10 minutes",
            waits=1000,
            jobs=10,
            mapped=True,
            restart_at=10 * MINUTE,
            long=True,
        ),
        Case(
            "second-client",
            "10,000 jobs every 10 s beside a second client",
            waits=1,
            jobs=10_000,
            interval=10.0,
            others=OTHERS,
            contenders=("ours", "script"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to wait."""

    name: str
    title: str
    patience: float | None = None
    """Virtual seconds after which it is stopped in a long case; None: never."""
    in_the_triggerer: bool = False
    """It runs on the triggerer's event loop, beside the triggers of others."""


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("ours", "this provider, deferred", in_the_triggerer=True),
        Contender("script", "best script: bulk get, all chunks in flight"),
        Contender("sdk-bulk", "vendor's SDK: bulk get with `.error`", patience=20 * MINUTE),
        Contender("sdk-reload", "vendor's SDK: `reload()` per job", patience=20 * MINUTE),
        Contender("get", "one GET per job", patience=20 * MINUTE),
        Contender("trigger", "a trigger per job, nothing shared", patience=10 * MINUTE, in_the_triggerer=True),
    )
}
