"""The sensor that waits for export jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.sensors.given import CgcGivenJobsSensor


class CgcBulkExportSensor(CgcGivenJobsSensor):
    """
    Wait until export jobs on the CGC have ended, and fail if any of them FAILED.

    All ids are asked for together, 100 in a request, and never again once they have ended
    (https://docs.cancergenomicscloud.org/reference/get-details-of-a-bulk-export-job). Deferrable mode holds no worker
    and is the way to wait; `mode="reschedule"` is for those who have no triggerer, with a `poke_interval` of 60 s or
    more, and poke mode for short waits. Set `retries=2`: Airflow itself can fail a rescheduled or resumed task by a
    race, a retry cures it, and FAILED jobs skip the retries.

    On success the task returns its summary (also in the XCom `cgc_summary`, which is pushed before an error is raised,
    too): `{"version", "kind", "total", "completed", "failed", "missing", "skipped", "bytes", "seconds",
    "failed_items", "manifest", "causes"}`; `failed_items` are the first hundred, `causes` count all failures by
    code and message, the most frequent first.

    .. seealso::
        The guide, with Dags to copy: :ref:`howto/sensor:CgcBulkExportSensor`.

    :param export_ids: the ids of the export jobs: a list, one id, the output of an upstream task (lists of lists from
        a mapped one too), or text, namely a JSON or Python list (what a template renders to) or ids separated by
        commas or white space. Duplicates are waited for once. Also what `CgcBulkExportOperator` returns with
        `wait=False`: the address of its manifest, or a list of them from a mapped one. Of a manifest every line counts:
        an item that FAILED or was never sent fails this task when the others have ended, whatever the operator's
        `max_failures` says; SKIPPED ones and those done before need no job. A line whose job is not known yet is an
        error. (templated)
    :param cgc_conn_id: the connection of the user who started the exports. (templated)
    :param expected_count: how many distinct ids, or lines of manifests, there must be; anything else is an error before
        a request is made. It catches exports that were refused when they were submitted. (templated)
    :param fail_fast: fail at the first FAILED export instead of when all have ended; the others go on, they cannot be
        cancelled.
    :param allow_empty: succeed at once when the list of ids is empty; otherwise that is an error.
    :param deferrable: wait in the triggerer; wins over `mode`. Default: Airflow's `[operators] default_deferrable`.
    :param poke_interval: seconds between two looks at a job, in every mode; 60 by default. Give less than
        `timeout`, and 60 or more in `mode="reschedule"`.
    :param timeout: seconds until `AirflowSensorTimeout`, in every mode, across restarts of the triggerer; 7 days by
        default, which is Airflow's own setting. An infinite time, such as `timedelta.max`, is a hundred years.
    :param soft_fail: skip instead of fail when exports FAILED or the timeout is over; trouble with the token, the
        rights or a crash is never skipped.
    :param never_fail: skip instead of fail whatever happens.
    :raises CgcJobsFailed: exports ended FAILED, or the platform does not know them; not retried by Airflow.
    :raises CgcWaitError: the token, the rights or the address of the connection are wrong; the exports go on, a cleared
        task waits again.
    :raises CgcBadInput: an argument or a manifest is wrong; nothing was sent. Of what the Dag says without a template
        it is raised when the Dag is parsed.
    """

    kind = EXPORT
    item = ExportItem
    ids_argument: ClassVar[str] = "export_ids"
    template_fields: Sequence[str] = ("export_ids", *CgcGivenJobsSensor.template_fields)

    def __init__(self, *, export_ids: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.export_ids = export_ids
        self._read_literals().refuse()
