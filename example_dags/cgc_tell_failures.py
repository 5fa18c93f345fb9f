"""Tell people about a failed export: by mail, in a chat, and by a task of the Dag.

What is told leaves the house, so it has counts and codes only, no names: file names can identify patients. The full
list is where only those who may see it can read it: in the task's log, in the XCom `cgc_summary`, in the manifest.

A failure callback runs where the task has failed, with its exception; if the worker itself was lost, Airflow calls it
from the Dag processor, with no exception. An error of a callback is logged, and changes nothing else. A task with
`trigger_rule="one_failed"` runs in either case, and can be retried; it reads the XCom.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


# [START howto_callback_text]
def text_without_names(ti, summary, task_id=None) -> str:
    """Return the counts of a summary in words, without names of files; a task that was killed has no summary."""
    head = f"{ti.dag_id}, task {task_id or ti.task_id}, run {ti.run_id}"
    if not summary:
        return f"{head}: it failed; the reason is in its log."
    lines = [
        f"{head}: {summary['kind']} jobs: {summary['total']} in all, {summary['completed']} completed,"
        f" {summary['failed']} failed, {summary['missing']} are unknown to the platform."
    ]
    lines += [f"- {cause['count']} with code {cause['code'] or 'none'}" for cause in summary["causes"]]
    return "\n".join([*lines, "The names and the remedies are in its log."])


def summary_of(context):
    """Return the summary of the exception: it failed, or its time was over, or the platform did not let it wait."""
    return getattr(context.get("exception"), "summary", None)


# [END howto_callback_text]


# [START howto_callback_mail]
def mail_the_lab(context) -> None:
    """Send a mail through the connection `smtp_default`."""
    from html import escape

    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    text = text_without_names(context["ti"], summary_of(context))
    notify = SmtpNotifier(
        smtp_conn_id="smtp_default",
        from_email="airflow@lab.example",
        to="cgc@lab.example",
        subject="CGC: {{ ti.task_id }} of {{ ti.dag_id }} failed",
        html_content=escape(text).replace("\n", "<br>"),
    )
    notify(context)


# [END howto_callback_mail]


# [START howto_callback_chat]
def tell_the_chat(context) -> None:
    """Post to an incoming webhook of Slack, Mattermost or Google Chat: the password of the connection `cgc_chat`."""
    post_to_chat(text_without_names(context["ti"], summary_of(context)))


def post_to_chat(text: str) -> None:
    """Post a text; the webhook's address is a secret, so no error and no log may have it."""
    import requests

    address = BaseHook.get_connection("cgc_chat").password or ""
    mask_secret(address.partition("://")[2].partition("/")[2])  # at level DEBUG, urllib3 logs what follows the host
    try:
        status = requests.post(address, json={"text": text}, timeout=30).status_code
    except (OSError, ValueError) as error:  # of requests, and of urllib3 for an address that it does not take
        raise RuntimeError(f"The chat of connection 'cgc_chat' cannot be reached ({type(error).__name__}).") from None
    if status >= 300:
        raise RuntimeError(f"The chat of connection 'cgc_chat' answered {status}; check its webhook.")


# [END howto_callback_chat]


@dag(
    dag_id="cgc_tell_failures",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/incidents", type="string", description="A project with a file that cannot be read"),
        "volume": Param("demo-lab/results", type="string", description="The volume that it goes to"),
    },
    doc_md=__doc__,
)
def cgc_tell_failures():
    # [START howto_task_tells_failures]
    files = CgcListFilesOperator(task_id="list_files", project="{{ params.project }}", retries=2)

    export = CgcBulkExportOperator(
        task_id="export",
        items=files.output,
        volume="{{ params.volume }}",
        location="told/{path}/{name}",
        copy_only=True,
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
        on_failure_callback=[mail_the_lab, tell_the_chat],
    )

    @task(trigger_rule="one_failed", retries=2)
    def tell(ti=None):
        summary = ti.xcom_pull(task_ids="export", key="cgc_summary")
        post_to_chat(text_without_names(ti, summary, task_id="export"))

    @task
    def go_on():
        """Stand for what uses the files; without such a task `tell` alone would decide that the run is a success."""

    export >> [tell(), go_on()]
    # [END howto_task_tells_failures]


cgc_tell_failures()
