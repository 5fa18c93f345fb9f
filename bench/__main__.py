"""`make bench`: measure everybody in every case, print one table, check our promises, write `bench/RESULTS.md`.

`python -m bench --case one-job --contender ours` measures only that, and writes nothing; the real triggerer is left
out where contenders are named. Exits with 1 if a promise is not kept, CPU, real time and memory aside: a busy machine
can break these.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import exports, import_figures, report, triggerer_figures
from bench.bars import Bar, bars
from bench.cases import CASES, CONTENDERS, EXPORTS, IMPORTS, SWEEP, TRIGGERER
from bench.environment import environment

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
LONGEST = 1800.0
"""Seconds that one measurement may take."""
SHOWN_OF_AN_ERROR = 20
Pair = tuple[str, str]


class MeasurementError(RuntimeError):
    """A measurement did not come to its end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the rows that the arguments choose, or everything."""
    options = _options(arguments)
    pairs = list(_pairs(options.case, options.contender))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cgc-bench-") as home:
        try:
            results = dict(_measured(pairs, environment(Path(home)), options.parallel))
            exported, imported = _exported(options), list(_imported(options))
            rows = _in_the_triggerer(Path(home)) if _wants_the_triggerer(options) else []
        except MeasurementError as failure:
            print(failure, file=sys.stderr)
            return 1
    sweep = results.pop((SWEEP, "ours"), None)
    promises = bars(results, sweep) + exports.bars(exported) + import_figures.bars(imported)
    promises += triggerer_figures.bars(rows, triggerer_figures.Plan())
    print()
    if results:
        print(report.aligned(report.rows(results.values())))
        print()
    if rows:
        print("\n".join([*triggerer_figures.aligned(triggerer_figures.table(rows)), ""]))
    if imported:
        print("\n".join([*triggerer_figures.aligned(import_figures.table(imported)), ""]))
    for bar in promises:
        print(bar)
    if sweep is not None and rows and exported and imported and not options.case and not options.contender:
        RESULTS.write_text(report.page(results.values(), promises, sweep, rows, imported, made()))
        print(f"\n{RESULTS.relative_to(ROOT)} is written. It took {(time.monotonic() - began) / 60:.1f} minutes.")
    return verdict(promises)


def verdict(promises: Iterable[Bar]) -> int:
    """Say on standard error what was missed; 1 if anything was that no busy machine can be blamed for."""
    missed = [bar for bar in promises if not bar.kept]
    for bar in missed:
        told = f"{bar.told(bar.value)} measured, at most {bar.told(bar.most)} promised"
        print(f"make bench: {bar.what}: {told}.", file=sys.stderr)
    return 1 if any(not bar.by_machine for bar in missed) else 0


def made() -> str:
    """Tell time and machine, and nothing that tells it from another of its kind."""
    airflow, sdk = (metadata.version(name) for name in ("apache-airflow", "sevenbridges-python"))
    return (
        f"{date.today().isoformat()}, Python {platform.python_version()}, Airflow {airflow}, "
        f"sevenbridges-python {sdk}, {os.cpu_count()} cores."
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "--case",
        action="append",
        choices=[*CASES, SWEEP, EXPORTS, IMPORTS, TRIGGERER],
        help="only this case; may be repeated",
    )
    parser.add_argument("--contender", action="append", choices=CONTENDERS, help="only this one; may be repeated")
    parser.add_argument(
        "--parallel", type=int, default=min(os.cpu_count() or 1, 4), help="measurements side by side, one per core"
    )
    return parser.parse_args(arguments)


def _pairs(cases: Sequence[str] | None, contenders: Sequence[str] | None) -> Iterator[Pair]:
    for name, case in CASES.items():
        if not cases or name in cases:
            yield from ((name, who) for who in case.contenders if not contenders or who in contenders)
    if (not cases or SWEEP in cases) and (not contenders or "ours" in contenders):
        yield SWEEP, "ours"


def _exported(options: argparse.Namespace) -> dict[str, Any]:
    """Measure an export of 10,000 files; nothing where other cases or contenders are named."""
    wanted = EXPORTS in options.case if options.case else not options.contender or "ours" in options.contender
    return _alone(("bench.exports",), "10,000 files exported") if wanted else {}


def _imported(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure an import of 10,000 objects in each way that is chosen."""
    if options.case and IMPORTS not in options.case:
        return
    for way, title in import_figures.WAYS.items():
        if not options.contender or way in options.contender:
            yield _alone(("bench.imports", "--way", way), f"10,000 objects imported: {title}")


def _alone(arguments: Sequence[str], title: str) -> dict[str, Any]:
    """Run a module of the bench in a process of its own; what it measured."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise MeasurementError(f"\n{title}: code {done.returncode}:\n{_last_lines(done.stderr)}")
    print(f"{title} ({time.monotonic() - began:.0f} s)", flush=True)
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def _wants_the_triggerer(options: argparse.Namespace) -> bool:
    return TRIGGERER in options.case if options.case else not options.contender


def _in_the_triggerer(home: Path) -> list[dict[str, Any]]:
    """Measure in real time, with nothing else running: one row for each way of waiting."""
    figures, began = home / "triggerer.json", time.monotonic()
    command = [sys.executable, "-m", "bench.triggerer", "--json", str(figures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    if not figures.exists():
        raise MeasurementError(f"\nthe real triggerer: code {done.returncode}:\n{_last_lines(done.stderr)}")
    print(f"1,000 waits in Airflow's own triggerer ({time.monotonic() - began:.0f} s)", flush=True)
    rows: list[dict[str, Any]] = json.loads(figures.read_text())["rows"]
    return rows


def _last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-SHOWN_OF_AN_ERROR:])


def _measured(pairs: Sequence[Pair], env: Mapping[str, str], parallel: int) -> Iterator[tuple[Pair, dict[str, Any]]]:
    """Measure side by side what hardly disturbs each other, and last, alone, what compares CPU with CPU."""
    waits = [pair for pair in pairs if pair[0] != SWEEP]
    with ThreadPoolExecutor(parallel) as pool:
        yield from zip(waits, pool.map(lambda pair: _measure(pair, env), waits), strict=True)
    for pair in pairs[len(waits) :]:
        yield pair, _measure(pair, env)


def _measure(pair: Pair, env: Mapping[str, str]) -> dict[str, Any]:
    """Measure in a fresh process, whose CPU and memory are nobody else's."""
    (case, contender), began = pair, time.monotonic()
    command = [sys.executable, "-m", "bench.one", "--case", case, "--contender", contender]
    done = subprocess.run(command, cwd=ROOT, env=dict(env), capture_output=True, text=True, timeout=LONGEST)
    if done.returncode:
        text = _last_lines(done.stderr)
        raise MeasurementError(f"\n{case} of {contender} ended with code {done.returncode}:\n{text}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    title = CASES[case].title if case in CASES else "a worker's sweep of 10,000 ids"
    print(f"{title}: {CONTENDERS[contender].title} ({time.monotonic() - began:.0f} s)", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
