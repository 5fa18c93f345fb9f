"""A token that ends while the wait is deferred: what the task says, and how it goes on with a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from dev.airflow_box import AirflowBox
from tests.system.database import Database
from tests.system.labs import Lab
from tests.system.runs import Run, our_lines, wait_for_all, wait_until

pytestmark = pytest.mark.system

CREATE = "POST /v2/bulk/storage/exports/create"


@dataclass(frozen=True)
class Story:
    """Both runs: the revoked token's before and after its cure."""

    revoked: Run
    rotated: Run
    labs: dict[str, Lab]
    before: dict[str, Any]
    log_before: str
    jobs_before: list[str]


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab], database: Database, stored_triggers: set[str]) -> Story:
    """Change both tokens, one of them in the connection first; then mend the other and clear its task."""
    revoked, rotated = labs["revoked"], labs["rotated"]
    for lab in (revoked, rotated):
        airflow.api.call("POST", "/api/v2/connections", json=lab.body)
    runs = {
        lab.conn_id: Run.start(airflow, f"system_{name}", {"items": items(lab)})
        for name, lab in (("revoked", revoked), ("rotated", rotated))
    }
    both = tuple(runs.values())

    def deferred_and_seen() -> bool:
        seen = all(len(looks) >= 2 for lab in (revoked, rotated) for looks in lab.looks().values())
        return seen and all(run.states["wait"] == "deferred" for run in both)

    wait_until(airflow, deferred_and_seen, "both wait in the triggerer", runs=both)
    stored_triggers.update(database.all_triggers())
    for lab, in_time in ((revoked, False), (rotated, True)):
        new = f"{lab.token}second"
        if in_time:
            change_token(airflow, lab, new)
        lab.set_token(new)
    wait_until(airflow, lambda: rotated_answers(rotated), "the rotated token is in use", runs=both)
    for lab in (revoked, rotated):
        lab.pass_time(60)
    wait_for_all(airflow, *both)
    run = runs[revoked.conn_id]
    before, log_before, jobs_before = run.task("wait"), run.log("wait"), list(revoked.world.exports)

    change_token(airflow, revoked, revoked.token)
    airflow.clear(run.dag_id, run.run_id, ["wait"])
    wait_until(airflow, lambda: run.task("wait")["state"] == "success", "the cleared task ends", runs=(run,))

    return Story(
        revoked=run,
        rotated=runs[rotated.conn_id],
        labs={"revoked": revoked, "rotated": rotated},
        before=before,
        log_before=log_before,
        jobs_before=jobs_before,
    )


def items(lab: Lab) -> list[dict[str, str]]:
    files = [file_id for file_id, name in lab.file_names.items() if name.startswith("60s-")][:3]
    return [{"file": file, "volume": lab.volume, "location": lab.file_names[file]} for file in files]


def change_token(airflow: AirflowBox, lab: Lab, token: str) -> None:
    body = {**lab.body, "password": token}
    airflow.api.call("PATCH", f"/api/v2/connections/{lab.conn_id}", json=body, params={"update_mask": "password"})


def rotated_answers(lab: Lab) -> bool:
    statuses = [request.status for request in lab.requests]
    return 401 in statuses and statuses[-1] == 200


def test_refused_token_fails(story: Story) -> None:
    """A refused token fails the wait and names the connection."""
    assert story.before["state"] == "failed"
    assert "CgcWaitError" in story.log_before
    assert "(this task asks with connection 'cgc_revoked'), clear this task: it only waits" in story.log_before


def test_cleared_wait_goes_on(story: Story) -> None:
    """A cleared wait goes on with the new token."""
    summary = story.revoked.summary("wait")

    assert story.revoked.task("wait")["try_number"] == story.before["try_number"] + 1
    assert (summary["total"], summary["completed"]) == (3, 3)


def test_cleared_starts_nothing(story: Story) -> None:
    lab = story.labs["revoked"]

    assert len(story.jobs_before) == 3
    assert list(lab.world.exports) == story.jobs_before
    assert lab.stats()["requests"][CREATE] == 1


def test_changed_in_time(story: Story) -> None:
    """Nobody notices a token that was changed in time."""
    task = story.rotated.task("wait")

    assert (task["state"], task["try_number"]) == ("success", 1)
    assert 401 in [request.status for request in story.labs["rotated"].requests]
    assert not [line for line in our_lines(story.rotated.log("wait")) if " INFO " not in line]
