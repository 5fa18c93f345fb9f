"""Nothing of the poller lands in the log of a task."""

from __future__ import annotations

import contextvars

from tests.fakes.errors import DOWN, LIMITED
from tests.fakes.platform import FakePlatform
from tests.fakes.polling import wait


def test_context_stays_outside(platform):
    """Airflow routes log lines by context: the poller's must not land in the log of whoever came first."""
    task_log = contextvars.ContextVar("task_log")
    seen = []
    connect = platform.connect

    async def looking():
        seen.append(task_log.get(None))
        return await connect()

    platform.connect = looking

    async def main():
        task_log.set("the first waiter's")
        await wait(platform, ["a"], limit=200)

    platform.time.run(main())

    assert seen == [None]
    assert [request.context.get(task_log) for request in platform.requests] == [None] * len(platform.requests)
    assert len(platform.requests) >= 3


def test_poller_logs_nothing(time, caplog):
    caplog.set_level(0)
    platform = FakePlatform(time, fault=lambda number, ids: [None, DOWN, LIMITED][number % 3])

    time.run(wait(platform, ["a"], limit=3600))

    assert [record for record in caplog.records if "selector" not in record.message] == []
