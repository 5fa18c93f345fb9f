"""Exports on an emulated platform, of which some fail, and an hour that passes at once."""

# [START emulator]
from airflow_provider_cgc.emulator import CgcEmulator

with CgcEmulator(speed=60) as emulator:
    emulator.fail_files("*.bam", code=9206)  # exports of these end FAILED
    emulator.fault("429", path="/v2/bulk/storage/exports/get", count=3, retry_after=1)
    job_ids = emulator.submit_exports(emulator.file_ids[:10])
    emulator.clock.advance(3600)
# [END emulator]
