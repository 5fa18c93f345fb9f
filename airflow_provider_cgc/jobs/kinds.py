"""What differs between the kinds of job that a wait can be about; everything else in `jobs` is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord

    BulkGet = Callable[[Sequence[str]], Sequence[BulkRecord[Any]]]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job, by the words that users and the platform use for it."""

    name: str
    plural: str
    cancellable: bool
    subject: str | None = None
    """What an item calls the thing that is moved; its place is empty where the platform does not know the job."""

    def bulk_get(self, client: CgcClient) -> BulkGet:
        """Return the client's call that asks for many jobs of this kind in one request."""
        return getattr(client, self.plural).bulk_get  # type: ignore[no-any-return]  # one endpoint per plural

    def count(self, number: int) -> str:
        """Count jobs in words: 1 export, 300 exports."""
        return f"{number} {self.name if number == 1 else self.plural}"

    def still_running(self, count: int) -> str:
        """Say what becomes of `count` jobs that nobody waits for any more."""
        jobs = f"{self.name} still runs" if count == 1 else f"{self.plural} still run"
        fate = "" if self.cancellable else " and cannot be cancelled"
        return f"{count} {jobs} on the platform{fate}"


EXPORT = JobKind(name="export", plural="exports", cancellable=False, subject="file")
IMPORT = JobKind(name="import", plural="imports", cancellable=False, subject="location")

KINDS = {kind.name: kind for kind in (EXPORT, IMPORT)}
