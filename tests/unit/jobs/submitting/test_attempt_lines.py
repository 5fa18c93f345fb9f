"""The lines of the log about what an attempt has sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.submit import SubmitResult
from tests.fakes.job_lists import NOT_TOLD, REFUSED, key
from tests.fakes.order import export_order

KEYS = [key(number) for number in range(4)]
STARTED, UNSURE, BAD, LEFT = KEYS


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"started": {STARTED: "j"}}, ["Of 4 exports: 1 started."]),
        ({"uncertain": {UNSURE: NOT_TOLD}}, ["Of 4 exports: 1 not known to have been started."]),
        (
            {"started": {STARTED: "j"}, "uncertain": {UNSURE: NOT_TOLD}, "refused": {BAD: REFUSED}, "unsent": [LEFT]},
            [
                "Of 4 exports: 1 started, 1 refused by the platform, 1 not known to have been started, 1 not sent.",
                "Nothing more was sent: 1 item failed already.",
            ],
        ),
        ({"refused": {BAD: REFUSED}}, ["Of 4 exports: 1 refused by the platform."]),
    ],
    ids=["started", "uncertain", "all", "the last one refused"],
)
def test_every_result_is_counted(result: dict[str, Any], lines: list[str]) -> None:
    """Sending that stopped after the last item has left none out."""
    attempt = Attempt(export_order(items=KEYS), log_info=lambda line: None)
    attempt.result = SubmitResult(**result, stopped="1 item failed already")

    assert attempt.lines() == lines
