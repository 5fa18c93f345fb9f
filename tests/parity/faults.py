"""The things that the platform and the line do to a wait meanwhile; none of it may change how the wait ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state.faults import KINDS
from tests.parity.cases import UNKNOWN, Jobs, started
from tests.parity.scene import NEXT_TOKEN, Scene


@dataclass(frozen=True)
class Fault:
    """
    Some trouble.

    :param arrange: sets it up; may add jobs, and plan what happens later.
    :param lasts: seconds by which it may put the end of a wait off.
    """

    arrange: Callable[[Scene, Jobs], object]
    lasts: float = 0.0


def strikes(kind: str, count: int, **how: Any) -> Callable[[Scene, Jobs], None]:
    """The same fault for the next questions about jobs."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        scene.emulator.fault(kind, path=scene.path, count=count, **how)
        scene.may_refuse |= kind == "429"

    return arrange


def slow(*seconds: float) -> Callable[[Scene, Jobs], None]:
    """Answers that take their time; after a minute the client gives up."""
    return lambda scene, jobs: scene.line.delays.extend(seconds)


def neighbour(requests: int) -> Callable[[Scene, Jobs], None]:
    """Somebody who uses the same token sends so many requests in no time, and once more in the next window."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        scene.may_refuse |= requests >= 1000
        for seconds in (50, 400):
            scene.at(seconds, lambda: scene.neighbour(requests))

    return arrange


def rotated(after: float) -> Callable[[Scene, Jobs], None]:
    """A new token: the old one is void at once, the connection has the new one `after` some seconds."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        def rotate() -> None:
            scene.emulator.set_token(NEXT_TOKEN)
            if after:
                asyncio.get_running_loop().call_later(after, scene.renew_connection)
            else:
                scene.renew_connection()

        if not jobs.refusal:
            scene.at(70, rotate)

    return arrange


def lost_for_one_sweep(form: str) -> Callable[[Scene, Jobs], None]:
    """A job that was just started, and is not known everywhere yet when it is looked at first."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        scene.emulator.option("unknown_ids", form)
        scene.time.pass_by(30)
        jobs.good += started(scene, (150,), folders=("late",)).good
        scene.emulator.option("unknown_for", 20)

    return arrange


def lost_for_ever(form: str) -> Callable[[Scene, Jobs], None]:
    """An id that the platform does not know and never will."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        scene.emulator.option("unknown_ids", form)
        jobs.lost.append(UNKNOWN.format(9999))

    return arrange


def astray(kind: str) -> Callable[[Scene, Jobs], None]:
    """A gateway before the platform lets nobody through for some questions, after the first look."""
    return lambda scene, jobs: scene.at(70, lambda: strikes(kind, 5)(scene, jobs))


def unheard_of(scene: Scene, jobs: Jobs) -> None:
    """A state that nobody has heard of, for two and a half minutes."""
    scene.emulator.option("unknown_state", "HYDRATING")
    scene.at(150, lambda: scene.emulator.option("unknown_state", None))


FAULTS = {
    "429 burst": Fault(strikes("429", 5, seconds=90), 5 * 100),
    "429 burst, Retry-After": Fault(strikes("429", 5, retry_after=40), 5 * 60),
    "503 maintenance": Fault(strikes("503_maintenance", 4), 1000),
    "503, Retry-After": Fault(strikes("503", 4, retry_after=200), 4 * 220),
    "503": Fault(strikes("503", 5), 500),
    "502 HTML": Fault(strikes("502_html", 5), 500),
    "404 HTML": Fault(astray("404_html"), 500),
    "redirect": Fault(astray("302_html"), 500),
    "dropped before": Fault(strikes("drop_before", 5), 500),
    "dropped after": Fault(strikes("drop_after", 5), 500),
    "half answers": Fault(strikes("half_body", 5), 500),
    "broken JSON": Fault(strikes("broken_json", 5), 500),
    "slow answers": Fault(slow(20, 59, 100, 1, 61, 45, 600), 600),
    "a busy neighbour": Fault(neighbour(850), 700),
    "a greedy neighbour": Fault(neighbour(1000), 700),
    "ever slow answers": Fault(slow(*[40] * 200), 3600),
    "401 once": Fault(strikes("401", 1)),
    "rotated token": Fault(rotated(after=10), 100),
    "lost for one sweep, error": Fault(lost_for_one_sweep("error"), 100),
    "lost for one sweep, gap": Fault(lost_for_one_sweep("gap"), 100),
    "lost for one sweep, 404": Fault(lost_for_one_sweep("404"), 100),
    "lost for ever, error": Fault(lost_for_ever("error")),
    "lost for ever, gap": Fault(lost_for_ever("gap")),
    "lost for ever, 404": Fault(lost_for_ever("404")),
    "unheard-of state": Fault(unheard_of),
}

NEED_MORE_THAN_TIME = {"401", "403", "404_gateway"} | {"302_html", "404_html", "405_html"}
"""The last three only at the first look: until the address has answered, it may be wrong."""
PASSING = [kind for kind in KINDS if kind not in NEED_MORE_THAN_TIME and not kind.startswith("slow")]
CHANGE_THE_VERDICT = {
    "stuck",  # no job ends
    "advance_access",  # everything is refused
    "unknown_state_of",  # an unheard-of state of a job that has ended is FAILED
}
SAMPLES: dict[str, tuple[Any, ...]] = {
    "unknown_state": (None, "HYDRATING"),
    "time_offset": ("Z", "+02:00", "-05:30"),
    "extra_fields": (None, True, {"id2": None, "states": ["COMPLETED"]}),
    "list_lag": (0.0, 120.0),
    "error_lacks": ((), ("more_info",), ("message", "more_info")),
}


def variant(seed: int) -> Fault:
    """A platform of its own kind, and trouble of every kind, as a seed says."""

    def arrange(scene: Scene, jobs: Jobs) -> None:
        dice = random.Random(f"variant {seed}")
        for name, value in drawn_options(dice).items():
            scene.emulator.option(name, value)
        for _ in range(dice.randint(2, 5)):
            strike = strikes(dice.choice(PASSING), dice.randint(1, 2), probability=dice.uniform(0.3, 1))
            scene.at(dice.choice((0, 0, 50, 110, 170)), lambda strike=strike: strike(scene, jobs))
        scene.line.delays.extend(dice.choice((0, 0, 0, 5, 30, 59, 90)) for _ in range(dice.randint(0, 12)))
        if dice.random() < 0.3:
            # Nobody can say when a look comes in all this: a gap might be met by one, and that ends a wait.
            rotated(after=0)(scene, jobs)

    return Fault(arrange, 5 * 2 * 310)


def drawn_options(dice: random.Random) -> dict[str, Any]:
    """A value for every switch of the emulator that is a choice, a flag, or has samples here."""
    drawn = {}
    for name, kind in get_type_hints(Options).items():
        choices = SAMPLES.get(name) or _choices(kind)
        if choices and name not in CHANGE_THE_VERDICT:
            drawn[name] = dice.choice(choices)
    return drawn


def _choices(kind: Any) -> tuple[Any, ...]:
    if kind is bool:
        return True, False
    return get_args(kind) if get_origin(kind) is Literal else ()


SEEDS = {f"seed {seed}": variant(seed) for seed in range(10)}
