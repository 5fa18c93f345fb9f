"""One contender in one case, measured in this process: `python -m bench.one --case one-job --contender ours`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from bench import arithmetic
from bench.cases import CASES, CONTENDERS, INTERVAL, LATENCY, LIMIT, SHARE, SWEEP, WINDOW, Case, Contender
from bench.lab import SEED, Lab, Life, durations
from bench.meter import Meter, Turns
from bench.second import SecondClient

FIRST_SWEEP = 30.0
"""Virtual seconds after which the first look at every job has been made, and no second one was due."""
LAST_NAP = 400.0
"""Longer than any sleep of a contender's thread: until then each has noticed that its life is over."""


class Way(Protocol):
    """A way to wait, as the bench plays it."""

    on_a_loop: bool

    def prepare(self, waits: list[list[str]]) -> None:
        """Before anything is measured."""

    def begin(self, waits: list[list[str]]) -> None:
        """Before the waits begin, and measured."""

    async def wait(self, number: int, ids: list[str]) -> None:
        """One wait, to its end."""

    def renew(self) -> None:
        """The old life is over, a new one begins."""

    def close(self) -> None:
        """The round is over."""


class Bench:
    """One contender in one case: plays its rounds and gathers what is measured."""

    def __init__(self, case: Case, contender: Contender, lab: Lab) -> None:
        self.case = case
        self.contender = contender
        self.lab = lab
        self.turns = Turns()
        self.second = SecondClient(lab, case.others) if case.others else None
        self.cap = case.stops_after(contender)
        self.began = self.stopped = lab.time.clock()
        self.restarted: float | None = None
        self.capped = False

    def play(self) -> dict[str, Any]:
        """Play the case; what was measured, as plain JSON."""
        way = way_of(self.contender, self.lab, self.case)
        leave_out = [*self.lab.threads, *([self.second.thread] if self.second else [])]
        if not way.on_a_loop:
            leave_out.append(threading.current_thread())  # its loop is nothing but the virtual clock
        meter, cpu, memory = Meter(), 0.0, 0.0
        for number in range(self.case.rounds):
            waits = self._submit(number)
            way.prepare(waits)
            meter.start(leave_out=leave_out)
            way.begin(waits)
            self.lab.time.run(self._round(way, waits))
            used, peak = meter.stop()
            cpu, memory = cpu + used, max(memory, peak)
            way.close()
        if self.second:
            self.second.close()
        return self._result(cpu=cpu, memory=memory)

    def _submit(self, number: int) -> list[list[str]]:
        ids = self.lab.submit(self.case.total, skip=number * self.case.total)
        return [ids[start : start + self.case.jobs] for start in range(0, len(ids), self.case.jobs)]

    async def _round(self, way: Way, waits: list[list[str]]) -> None:
        loop = asyncio.get_running_loop()
        self.turns.watch(loop)
        loop.call_later(FIRST_SWEEP, self.turns.settle)
        beside = [loop.create_task(self.second.run())] if self.second else []
        start, self.capped = loop.time(), False
        tasks = self._start(way, waits, spread=self.case.spread)
        if self.case.restart_at is not None:
            await asyncio.wait(tasks, timeout=self.case.restart_at)
            await self._kill(tasks)
            way.renew()
            self.restarted = self.lab.time.clock()
            tasks = self._start(way, waits)
        left = None if self.cap is None else self.cap - (loop.time() - start)
        ended, going_on = await asyncio.wait(tasks, timeout=left)
        self.stopped = self.lab.time.clock()
        await self._kill([*going_on, *beside])
        if going_on:
            self.capped = True
            await asyncio.sleep(LAST_NAP)
        for task in ended:
            task.result()

    def _start(self, way: Way, waits: list[list[str]], *, spread: float = 0.0) -> list[asyncio.Task[None]]:
        async def one(number: int, ids: list[str]) -> None:
            await asyncio.sleep(spread * number / len(waits))
            await way.wait(number, ids)

        self.lab.life = Life()
        return [asyncio.create_task(one(number, ids)) for number, ids in enumerate(waits)]

    async def _kill(self, tasks: Collection[asyncio.Task[None]]) -> None:
        self.lab.life.over = True
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _result(self, *, cpu: float, memory: float) -> dict[str, Any]:
        case, tally = self.case, self.lab.tally
        times, refused = tally.times(), tally.times(refused=True)
        ends = self.lab.ends()
        late = arithmetic.lags(ends, self.lab.seen, until=self.stopped)
        result: dict[str, Any] = {
            "case": case.name,
            "contender": self.contender.name,
            "jobs": case.total * case.rounds,
            "ended": late.ended,
            "seen": late.seen,
            "seconds": self.stopped - self.began,
            "capped_after": self.stopped - self.began if self.capped else None,
            "requests": len(times) / case.rounds,
            "refused": len(refused) / case.rounds,
            "lag_mean": late.mean,
            "lag_worst": late.worst,
            "cpu": cpu / case.rounds,
            "memory": memory,
            "at_start": arithmetic.between(times, self.began, self.began + FIRST_SWEEP),
            "in_a_minute": arithmetic.most_in_a_slot(times, start=self.began + FIRST_SWEEP, length=INTERVAL),
        }
        if self.contender.in_the_triggerer:
            result |= {
                "loop_p99": arithmetic.percentile(self.turns.everyday, 0.99),
                "loop_worst": max(self.turns.everyday, default=0.0),
                "loop_worst_at_start": max(self.turns.first, default=0.0),
            }
        if self.restarted is not None:
            result["at_restart"] = arithmetic.between(times, self.restarted, self.restarted + FIRST_SWEEP)
        if case.others:
            result["beside"] = self._beside(ends, refused)
        return result

    def _beside(self, ends: dict[str, float], refused: list[float]) -> dict[str, Any]:
        """Tell the second client's fate, and ours beside it; steady is what follows the first whole window."""
        case, tally, steady = self.case, self.lab.tally, self.began + WINDOW
        others_refused = tally.times(others=True, refused=True)

        def allowed(jobs: int) -> float:
            return arithmetic.sweep_by_the_budget(
                jobs,
                interval=case.interval,
                limit=LIMIT,
                window=WINDOW,
                share=SHARE,
                others=case.others,
                latency=LATENCY,
            )

        return {
            "others": len(tally.times(others=True)),
            "others_refused": len(others_refused),
            "others_refused_steady": sum(at >= steady for at in others_refused),
            "refused_steady": sum(at >= steady for at in refused),
            "lag_allowed": allowed(case.total),
            "lag_worst_steady": arithmetic.lags(ends, self.lab.seen, until=self.stopped, since=steady).worst,
            "lag_allowed_steady": allowed(sum(end >= steady for end in ends.values())),
        }


def way_of(contender: Contender, lab: Lab, case: Case) -> Way:
    """The code of a contender; imported here, because Airflow and the SDK are not everybody's."""
    if contender.name == "ours":
        from bench.ours import Ours

        return Ours(lab, case)
    from bench.others import OTHERS

    return OTHERS[contender.name](lab, case)


def measure(case: Case, contender: Contender, *, rate_limit: int = LIMIT) -> dict[str, Any]:
    """Set the platform up and play."""
    with Lab(durations(case.total * case.rounds, seed=SEED), rate_limit=rate_limit) as lab:
        return Bench(case, contender, lab).play()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result as the one line on standard output; what Airflow logs goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m bench.one", description=__doc__)
    parser.add_argument("--case", choices=[*CASES, SWEEP], required=True)
    parser.add_argument("--contender", choices=CONTENDERS, required=True)
    options = parser.parse_args(arguments)
    out = os.dup(1)
    os.dup2(2, 1)
    if options.case == SWEEP:
        from bench import sweep

        result = sweep.measure()
    else:
        result = measure(CASES[options.case], CONTENDERS[options.contender])
    os.write(out, (json.dumps(result) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
