"""Lambda's account settings, which moto lacks: how many invocations may run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_PATH = r"{0}/(?P<api_version>[^/]+)/account-settings/?$"
# Lambda quotas: code of all functions together, and of one unzipped and zipped; bytes
_CODE_BYTES, _UNZIPPED_BYTES, _ZIPPED_BYTES = 80_530_636_800, 262_144_000, 52_428_800
_patches = Patches()


def install(world: Aws) -> None:
    """Let GetAccountSettings be answered."""

    def get_account_settings(handler: LambdaResponse) -> ActionResult:
        functions = list(handler.backend.list_functions())
        every = world.limits.concurrent_executions
        reserved = sum(int(each.reserved_concurrency or 0) for each in functions)
        limit = {
            "TotalCodeSize": _CODE_BYTES,
            "CodeSizeUnzipped": _UNZIPPED_BYTES,
            "CodeSizeZipped": _ZIPPED_BYTES,
            "ConcurrentExecutions": every,
            "UnreservedConcurrentExecutions": max(0, every - reserved),
        }
        usage = {
            "TotalCodeSize": sum(each.code_size for each in functions),
            "FunctionCount": len(functions),
        }
        return ActionResult({"AccountLimit": limit, "AccountUsage": usage})

    _patches.set(LambdaResponse, "get_account_settings", get_account_settings)
    urls.url_paths[_PATH] = LambdaResponse.dispatch


def uninstall() -> None:
    """Put moto's Lambda back."""
    _patches.undo()
    urls.url_paths.pop(_PATH, None)
