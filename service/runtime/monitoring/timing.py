"""Counts a job's runs around whatever engine runs it."""

from __future__ import annotations

import time
from dataclasses import replace

from service.runtime.composition import Service
from service.runtime.engine import PeriodicJob


def timed(job: PeriodicJob, service: Service) -> PeriodicJob:
    """The same job, whose runs are counted and timed in `service.counted`."""
    service.counted.add_job(job.name)

    async def run() -> bool:
        with service.counted.running(job.name, time.monotonic, service.clock):
            return await job.run()

    return replace(job, run=run)
