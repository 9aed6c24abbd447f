"""The local AWS: moto with what it lacks, in virtual time, in process or behind one endpoint."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache, partial
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from local.cloudwatch import alarms
from local.core import gate, moto_costs, moto_time, running
from local.core.aws import Limits
from local.core.call import Call
from local.core.clock import Clock
from local.core.consumption import Consumption
from local.core.faults import Faults
from local.core.principal import Principal
from local.core.server import Server
from local.datapipeline import service as datapipeline
from local.dynamodb import autoscaling
from local.dynamodb import service as dynamodb
from local.emr import quotas
from local.emr import service as emr
from local.functions import account
from local.functions import service as functions
from local.functions.in_process import Sleeper
from local.functions.invocation import Invocation
from local.iam import authorize, sessions
from local.messaging import sns_sqs
from local.s3 import service as s3
from local.scheduler import schedules
from local.ssm import service as ssm
from local.stepfunctions import machines
from local.stepfunctions import service as stepfunctions

_ISOLATION = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_FROM_OUTSIDE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "MOTO_ACCOUNT_ID")


class World:
    """One AWS: enter `in_process()` or `served()` before use; one per process at a time."""

    def __init__(
        self, clock: Clock, account: str = "123456789012", region: str = "us-east-1"
    ) -> None:
        self.clock = clock
        self.account = account
        self.region = region
        self.partition = "aws"
        self.lock = threading.RLock()
        self.limits = Limits()
        self.gate = gate.Gate(partial(authorize.authorize, self))
        self._iam_enforced: bool | None = None
        self.faults = Faults()
        self.consumption: list[Consumption] = []
        self.datapipeline_rates = True
        self.emr_rates = True
        self.live_capacity = False
        self.problems: list[str] = []
        self.principals: dict[str, Principal] = {}
        self.granted: Counter[tuple[str, str]] = Counter()
        self.endpoint_url: str | None = None
        self.sleeper = Sleeper(clock)
        self.callers_time = self.sleeper.time_of
        self.functions = functions.Functions(self, self.sleeper)
        self.machines = machines.Machines(self, self.functions)
        self.schedules = schedules.Schedules(self, self.functions)
        self.alarms = alarms.Alarms(self, self.functions)
        self._clients: dict[tuple[str, str, str], Any] = {}

    @property
    def iam_enforced(self) -> bool:
        """Whether roles are held to their policies: when served, unless set otherwise."""
        served = self.endpoint_url is not None
        return served if self._iam_enforced is None else self._iam_enforced

    @iam_enforced.setter
    def iam_enforced(self, value: bool) -> None:
        self._iam_enforced = value

    # how it runs

    @contextmanager
    def in_process(self) -> Iterator[World]:
        """Run inside this process: boto3 clients made here reach it without HTTP."""
        with mock_aws(), self._environment(), self._installed():
            self.sleeper.install()
            try:
                yield self
            finally:
                self.sleeper.uninstall()

    @contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        """Run behind an HTTP endpoint on 127.0.0.1, whose URL is given; 0 takes a free port."""
        BackendDict.reset()
        server = Server(port)
        try:
            with self._installed():
                self.endpoint_url = server.url
                yield server.url
        finally:
            server.stop()
            self.endpoint_url = None
            BackendDict.reset()
            reset_model_data()

    @contextmanager
    def _installed(self) -> Iterator[None]:
        with ExitStack() as leaving:
            running.enter(self)
            leaving.callback(running.leave)
            leaving.callback(self._clients.clear)
            for install, uninstall in _PARTS:
                leaving.callback(uninstall)
                install(self)
            leaving.callback(self.alarms.stop)
            leaving.callback(self.functions.close)
            yield

    @contextmanager
    def _environment(self) -> Iterator[None]:
        names = {**_ISOLATION, "AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}
        old = {name: os.environ.get(name) for name in (*names, *_FROM_OUTSIDE)}
        for name in _FROM_OUTSIDE:
            os.environ.pop(name, None)
        os.environ.update(names)
        try:
            yield
        finally:
            _restore(old)

    # access

    def environment(self) -> dict[str, str]:
        """Return the variables that point Terraform, the AWS CLI and SDKs at the served world."""
        if self.endpoint_url is None:
            raise RuntimeError("the world is not served: there is no endpoint to point to")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **_ISOLATION,
        }

    def client(self, service: str, region: str | None = None, role_arn: str | None = None) -> Any:
        """Return a boto3 client: of the deployer, who may do everything, or of a role's session."""
        key = (service, region or self.region, role_arn or "")
        if key not in self._clients:
            self._clients[key] = self._make_client(*key)
        return self._clients[key]

    def _make_client(self, service: str, region: str, role_arn: str) -> Any:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        if role_arn:
            session = self.session_keys(role_arn)
            keys = {
                "aws_access_key_id": session["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": session["AWS_SECRET_ACCESS_KEY"],
                "aws_session_token": session["AWS_SESSION_TOKEN"],
            }
        config = Config(retries={"mode": "standard", "total_max_attempts": 3})
        make: Any = _session().client
        return make(
            service, region_name=region, endpoint_url=self.endpoint_url, config=config, **keys
        )

    def session_keys(self, role_arn: str, session_name: str = "local") -> dict[str, str]:
        """Return the environment variables of a session of `role_arn` (the role need not exist)."""
        return sessions.session_keys(role_arn, self.region, session_name)

    @contextmanager
    def as_role(self, role_arn: str) -> Iterator[None]:
        """In process: let boto3's default credentials be a session of `role_arn`."""
        keys = self.session_keys(role_arn)
        old = {name: os.environ.get(name) for name in keys}
        os.environ.update(keys)
        try:
            yield
        finally:
            _restore(old)

    # what tests and drivers set

    def set_table(
        self, name: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> None:
        """Set what DynamoDB says of a table: fields of `table_settings.TableSettings`."""
        dynamodb.set_table(self, account or self.account, region or self.region, name, settings)

    def put_items(
        self,
        table: str,
        items: list[dict[str, Any]],
        *,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """Put many items (boto3's low-level form) into a table without a request each."""
        dynamodb.put_items(self, account or self.account, region or self.region, table, items)

    def throttle(self, operation: str, **how: Any) -> None:
        """Throttle `dynamodb:DescribeTable` (globs): `probability=0.3`, or the next `calls=2`."""
        self.gate.throttle(operation, **how)

    def deny(self, action: str, arn: str = "*") -> None:
        """Refuse an IAM action on a resource (globs) to every role, whatever its policies say."""
        self.gate.denied.append((action, arn))

    def before(
        self, operation: str, event: Callable[[Call], object], times: int | None = None
    ) -> None:
        """Run `event(call)` before the next `times` calls of an operation (glob)."""
        self.gate.before(operation, event, times)

    def lose_answer(self, operation: str, times: int = 1) -> None:
        """Do the next `times` calls of `emr:RunJobFlow` (glob; not S3's) and answer a 500."""
        self.gate.lose_answer(operation, times)

    def change_answer(self, operation: str, change: Callable[[Call, str], str]) -> None:
        """Send `change(call, body)` as the body of an operation's answers (glob; not S3's)."""
        self.gate.change_answer(operation, change)

    # what happened

    def invoke(self, function: str, event: Any, asynchronous: bool = False) -> Any:
        """Invoke a deployed function at the virtual now; see `functions.invocation.Invocation`."""
        return self.functions.invoke_by_name(function, event, asynchronous)

    @property
    def lambda_logs(self) -> list[Invocation]:
        """Every invocation so far, oldest first."""
        return self.functions.invocations

    def messages(self, topic_arn: str) -> list[dict[str, Any]]:
        """Return what was published to a topic: subject, message, at (virtual)."""
        return sns_sqs.published(topic_arn)

    def queue(self, queue_arn: str) -> list[Any]:
        """Return the bodies waiting in a queue (JSON decoded where it is JSON), not taking them."""
        return sns_sqs.waiting(queue_arn)

    def now(self) -> datetime:
        """Return the virtual time."""
        return self.clock.now()


_PARTS: tuple[tuple[Callable[[World], None], Callable[[], None]], ...] = (
    (moto_costs.install, moto_costs.uninstall),
    (gate.install, gate.uninstall),
    (moto_time.install, moto_time.uninstall),
    (dynamodb.install, dynamodb.uninstall),
    (autoscaling.install, autoscaling.uninstall),
    (s3.install, s3.uninstall),
    (sns_sqs.install, sns_sqs.uninstall),
    (ssm.install, ssm.uninstall),
    (functions.install, functions.uninstall),
    (stepfunctions.install, stepfunctions.uninstall),
    (account.install, account.uninstall),
    (schedules.install, schedules.uninstall),
    (datapipeline.install, datapipeline.uninstall),
    (emr.install, emr.uninstall),
    (quotas.install, quotas.uninstall),
)
"""In this order: each service's mending of moto, and what takes it back."""


@cache
def _session() -> boto3.session.Session:
    # one for all worlds: it holds the parsed service models, 0.3 s a service
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    nobody = {"profile": (None, None, None, None), **files}
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=nobody))


def _restore(old: dict[str, str | None]) -> None:
    for name, value in old.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
