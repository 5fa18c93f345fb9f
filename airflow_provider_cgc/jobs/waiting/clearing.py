"""The effect of clearing a task, said before anybody clears it: what would be sent again, and what not.

The rules are those of `jobs.submitting.resume` and `operators.record`. Only what is certain is said. A Clear of a task
that is deferred or has ended raises Airflow's `max_tries`, by which the next attempt knows of it. A Clear of a task
that holds a worker does not: Airflow stops the worker, and the next attempt cannot tell that from a retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.text import human_bytes
from airflow_provider_cgc.jobs.waiting.summary import Outcome

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import JobKind

UNDER_WAY = "under way"
_UNCHANGED = "This holds while its items and arguments stay the same and the platform still shows its jobs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """
    The facts of a task that decide about a Clear, known when its wait begins.

    :param sends: the task starts jobs; otherwise it only waits for them.
    :param holds_worker: it waits in a worker, so that a Clear during the wait stops the worker.
    :param cleared: it was cleared since it failed, so that even a retry tries everything again.
    :param resumes: a Clear of a task that did not succeed continues (`resume=True`).
    :param remembers: the next attempt will know its jobs, and whether it had succeeded.
    :param first: no earlier attempt has sent anything that counts.
    :param verifies: completed jobs whose results are gone are sent again after a Clear.
    :param resends: completed jobs are sent again if all starts anew.
    :param why: the effect of that, or the reason why they are kept, as a sentence without its full stop.
    """

    sends: bool
    holds_worker: bool = False
    cleared: bool = False
    resumes: bool = True
    remembers: bool = True
    first: bool = False
    verifies: bool = False
    resends: bool = False
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that a trigger's row holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Clearing | None:
        """Read that form; None if it is not there, or of another release and not understood."""
        if not isinstance(value, Mapping):
            return None
        known = {one.name: value.get(one.name) for one in fields(cls)}
        wrong = [name for name, one in known.items() if not isinstance(one, str if name == "why" else bool)]
        return None if wrong else cls(**known)  # type: ignore[arg-type]  # checked one line above


@dataclass(frozen=True, slots=True)
class Counts:
    """The jobs of a snapshot as a Clear treats them."""

    completed: int
    failed: int
    missing: int
    skipped: int
    open: int
    bytes: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int], bytes_: int) -> Counts:
        """Read the counts of a snapshot."""
        still = sum(counts[name] for name in ("running", "pending", "not_found", "not_seen"))
        completed, failed, missing, skipped = (counts[name] for name in ("completed", "failed", "missing", "skipped"))
        return cls(completed, failed, missing, skipped, still, bytes_)

    @property
    def bad(self) -> int:
        """The number of those that did not end well."""
        return self.failed + self.missing


def after_clear(clearing: Clearing, kind: JobKind, counts: Counts, outcome: Outcome | None) -> dict[str, Any]:
    """
    Describe a Clear: `{"sends": the most jobs that it starts, "running": ..., "text": sentences}`.

    `sends` counts on it that what runs completes, and that nobody removes results. `running` is True if this holds
    only while a worker runs the task, False if only while none does, None if it always holds.
    """
    stops = clearing.holds_worker and outcome is None
    if not clearing.sends:
        most, text = 0, _only_waits(kind, counts, outcome)
    elif stops:
        most, text = _as_a_retry(clearing, kind, counts)
    elif not clearing.resumes or (outcome is Outcome.COMPLETED and clearing.remembers):
        most = counts.bad + (counts.completed + counts.open if clearing.resends else 0)
        text = _starts_anew(clearing, kind, counts, succeeded=outcome is Outcome.COMPLETED)
    else:
        most, text = counts.bad, _continues(clearing, kind, counts)
    return {"sends": most, "running": stops if clearing.sends else None, "text": text}


def after_clear_of_refused(clearing: Clearing, kind: JobKind, total: int) -> dict[str, Any]:
    """Describe a Clear of a task whose order was refused; only the first attempt is certain to leave nothing."""
    one = total == 1
    text = (
        f"Clearing this task checks {_all(kind, total)} again. It sends nothing as long as there is a reason to refuse"
        f" {'it' if one else 'them'}"
    )
    if clearing.first or not clearing.resumes:
        sent = "it if it can be sent and is" if one else "those that can be sent and are"
        text = f"{text}; otherwise it sends {sent} not under way already"
    return {"sends": total, "running": False, "text": _joined(f"{text}.", _about_list(clearing, kind))}


def _only_waits(kind: JobKind, counts: Counts, outcome: Outcome | None) -> str:
    text = f"Clearing this task starts no {kind.plural}: it only waits again."
    if outcome is not Outcome.FAILED or not counts.failed:
        return text
    return f"{text} It does not change the {kind.plural} that failed: with the same ones it fails again."


def _starts_anew(clearing: Clearing, kind: JobKind, counts: Counts, *, succeeded: bool) -> str:
    """Describe an attempt that knows of no earlier one."""
    why = "This task succeeded, so clearing it starts anew" if succeeded else "Clearing this task starts anew"
    lead = why if clearing.resumes else f"{why} (resume=False)"
    ended = counts.completed + counts.bad
    kept = f"keeps {_those(kind, counts.completed, 'completed')}: {clearing.why}" if counts.completed else ""
    effect = ""
    if clearing.resends and ended:
        which = _all(kind, ended) if succeeded else _those(kind, ended, "has ended" if ended == 1 else "have ended")
        size = f" ({human_bytes(counts.bytes)})" if counts.bytes and not counts.bad else ""
        effect = f": it sends again {which}{size}; {clearing.why}"
    elif counts.bad or not counts.open:
        effect = f": it {_tries(kind, counts.bad)}{kept and f'; it {kept}'}"
    elif kept:
        effect = f": it {kept}"
    return _joined(f"{lead}{effect}.", _about_open(clearing, kind, counts), _about_skipped(counts), _UNCHANGED)


def _as_a_retry(clearing: Clearing, kind: JobKind, counts: Counts) -> tuple[int, str]:
    """Describe an attempt after a Clear that has stopped a worker: it cannot tell this from a retry."""
    if clearing.cleared:
        most, tried, unknown = counts.bad, *_tries_all(clearing, kind, counts)
    else:
        # It waits again for jobs that the platform does not know, if it remembers them.
        most, unknown = counts.failed if clearing.remembers else counts.bad, ""
        tried = _retries(kind, most) if most else _tries(kind, 0)
    text = _joined(
        "Clearing this task now stops its worker, and the next one continues as in a retry: it"
        f" {tried}{_takes_up(kind, counts)}.",
        unknown,
        _about_late(kind, counts),
        _about_list(clearing, kind),
        _about_skipped(counts),
        _UNCHANGED,
    )
    return most, text


def _continues(clearing: Clearing, kind: JobKind, counts: Counts) -> str:
    """Describe an attempt that takes up the one before."""
    tried, unknown = _tries_all(clearing, kind, counts)
    gone = f"It also sends again {kind.plural} whose results are gone (verify=True)." if clearing.verifies else ""
    return _joined(
        f"Clearing this task {tried}{_takes_up(kind, counts)}.",
        unknown,
        _about_late(kind, counts),
        gone if counts.completed else "",
        _about_list(clearing, kind),
        _about_skipped(counts),
        _UNCHANGED,
    )


def _tries_all(clearing: Clearing, kind: JobKind, counts: Counts) -> tuple[str, str]:
    """Return what is tried again, as a part of a sentence, and a sentence about unknown jobs."""
    missing = counts.missing
    if not missing or not clearing.remembers:
        return _tries(kind, counts.bad), ""
    looks = f"looks again for {_those(kind, missing, 'the platform does not know')}"
    tried = f"tries again {_those(kind, counts.failed, 'failed')} and {looks}" if counts.failed else looks
    # The rules: `resume.FORGETTING`, `Plan._believe_what_is_there`.
    again = (
        "It sends that one again if it does not find it and its result is not there either, but perhaps not within an"
        " hour of its start."
        if missing == 1
        else "It sends again those that it does not find and whose results are not there either, but perhaps not within"
        " an hour of their start."
    )
    return tried, again


def _tries(kind: JobKind, bad: int) -> str:
    return f"tries again {_those(kind, bad, 'failed')}, and no others" if bad else "sends nothing again"


def _retries(kind: JobKind, bad: int) -> str:
    failed = _those(kind, bad, "failed")
    if bad == 1:
        return f"tries again {failed} only if its error may be temporary or it was never started, and no others"
    return f"tries again, of {failed}, only those whose error may be temporary or that were never started"


def _takes_up(kind: JobKind, counts: Counts) -> str:
    """Return the end of a sentence about what is not sent."""
    kept = f"keeps {_those(kind, counts.completed, 'completed')}" if counts.completed else ""
    taken = f"takes over {_those(kind, counts.open, UNDER_WAY)}" if counts.open else ""
    both = " and ".join(filter(None, [kept, taken]))
    return both and f"; it {both}"


def _about_list(clearing: Clearing, kind: JobKind) -> str:
    if clearing.remembers:
        return ""
    return (
        f"It has to find its {kind.plural} in the platform's list; if that cannot be read far enough back, it fails and"
        " sends nothing."
    )


def _about_open(clearing: Clearing, kind: JobKind, counts: Counts) -> str:
    """Say what an attempt that starts anew does with jobs that may have ended by then."""
    if not counts.open:
        return ""
    why = f"; {clearing.why}" if clearing.resends and not counts.completed + counts.bad else ""
    if counts.open == 1:
        again = "otherwise sends it again" if clearing.resends else "tries it again if it has failed by then"
        return f"It takes over the {kind.name} under way if it still is under way then, and {again}{why}."
    again = "sends again those that have ended" if clearing.resends else "tries again those that have failed"
    under_way = f"the {_count(kind, counts.open)} {UNDER_WAY}"
    return f"Of {under_way}, it takes over those that still are under way then, and {again} by then{why}."


def _about_late(kind: JobKind, counts: Counts) -> str:
    return f"{kind.plural.capitalize()} that fail before you clear count as failed." if counts.open else ""


def _about_skipped(counts: Counts) -> str:
    if not counts.skipped:
        return ""
    one = counts.skipped == 1
    items, them = ("The skipped item is", "it") if one else (f"The {counts.skipped:,} skipped items are", "them")
    return f"{items} checked again and sent only if the reason to skip {them} is gone."


def _those(kind: JobKind, count: int, what: str) -> str:
    """Name jobs by what became of them: "the 3 runs that failed"."""
    return f"the {kind.name if count == 1 else _count(kind, count)} {what if what == UNDER_WAY else f'that {what}'}"


def _all(kind: JobKind, count: int) -> str:
    return f"the {kind.name}" if count == 1 else f"all {_count(kind, count)}"


def _count(kind: JobKind, count: int) -> str:
    return f"{count:,} {kind.name if count == 1 else kind.plural}"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
