"""moto's own clock set to virtual time."""

from __future__ import annotations

import datetime as real_datetime
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import moto.applicationautoscaling.models as scaling_models
import moto.core.utils as core_utils
import moto.sqs.models as sqs_models
import moto.sts.models as sts_models

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()


def _real_utcnow() -> real_datetime.datetime:
    return real_datetime.datetime.now(real_datetime.UTC).replace(tzinfo=None)


def install(world: Aws) -> None:
    """Let moto's `utcnow` be the virtual time, for every module that has imported it.

    Kept real: the expiry of STS sessions (SDKs compare it with their own clock) and SQS, whose
    long polling waits for the clock to move.
    """

    class VirtualDatetime(real_datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return world.clock.now().astimezone(tz)

        @classmethod
        def utcnow(cls) -> Any:
            return world.clock.now().replace(tzinfo=None)

    module = SimpleNamespace(**vars(real_datetime))
    module.datetime = VirtualDatetime
    _patches.set(core_utils, "datetime", module)
    _patches.set(sts_models, "utcnow", _real_utcnow)
    _patches.set(sqs_models, "unix_time", time.time)
    _patches.set(sqs_models, "unix_time_millis", lambda: time.time() * 1000)
    virtual = SimpleNamespace(time=lambda: world.clock.now().timestamp())
    _patches.set(scaling_models, "time", virtual)


def uninstall() -> None:
    """Give moto the real clock back."""
    _patches.undo()
