"""A call of the local EMR: under the world's lock, within the account's call rates.

Source: Service Quotas' defaults of EMR, as set out in the project's notes. The deployer's own calls
do not count: tests and the demo look on with them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.emr.responses import ElasticMapReduceResponse

from local.core import aws
from local.core.call_rates import Bucket

RATES: dict[str, tuple[int, float]] = {  # burst, refill a second
    "run_job_flow": (10, 0.5),
    "add_job_flow_steps": (10, 0.5),
    "terminate_job_flows": (10, 0.5),
    "cancel_steps": (10, 0.5),
    "describe_cluster": (10, 1.0),
    "describe_step": (10, 0.5),
    "list_steps": (10, 0.5),
    "list_clusters": (20, 0.5),
    "add_tags": (5, 0.5),
    "set_termination_protection": (5, 0.2),
}
ALL = (25, 5.0)
"""Every call of EMR together."""
DEPLOYER_KEY = "AKIAEXAMPLE"
"""What moto reads out of the key `local`, which is not of AWS's form."""

_buckets: dict[tuple[str, str, str], Bucket] = {}


def forget_all() -> None:
    """Forget what was called in worlds that are over."""
    _buckets.clear()


def method(
    world: Callable[[], aws.Aws], name: str, action: Callable[..., Any]
) -> Callable[..., Any]:
    """Return the response method of one operation."""

    @wraps(action)
    def answer(self: ElasticMapReduceResponse) -> Any:
        here = world()
        with here.lock:
            if here.emr_rates and self.get_access_key() != DEPLOYER_KEY:
                _check_rates(here, self, name)
            return action(self)

    return answer


def _check_rates(world: aws.Aws, response: ElasticMapReduceResponse, name: str) -> None:
    account, region = response.current_account, response.region
    now = world.callers_time(response.headers)
    for kind, rate in ((name, RATES.get(name)), ("*", ALL)):
        if rate is None:
            continue
        bucket = _buckets.setdefault((account, region, kind), Bucket(rate[1], rate[0]))
        if not bucket.take(now):
            raise JsonRESTError("ThrottlingException", "Rate exceeded")
