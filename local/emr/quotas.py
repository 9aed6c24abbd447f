"""EC2's quotas of vCPUs as Service Quotas tells them, which moto lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.servicequotas.models import ServiceQuotasBackend

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_NAMES = {
    "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}
# of an account that has asked for more; a new one has 5
_PLENTY = 5000
_patches = Patches()


def install(world: Aws) -> None:
    """Let GetServiceQuota answer for them."""
    of_moto = ServiceQuotasBackend.get_service_quota

    def get_service_quota(
        self: ServiceQuotasBackend, service_code: str, quota_code: str
    ) -> dict[str, Any]:
        if service_code != "ec2" or quota_code not in _NAMES:
            return of_moto(self, service_code, quota_code)
        faults, is_spot = world.faults, quota_code == "L-34B43A08"
        set_to = faults.spot_vcpu_quota if is_spot else faults.vcpu_quota
        arn = f"arn:aws:servicequotas:{self.region_name}:{self.account_id}:ec2/{quota_code}"
        return {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": arn,
            "QuotaCode": quota_code,
            "QuotaName": _NAMES[quota_code],
            "Value": float(_PLENTY if set_to is None else set_to),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }

    _patches.set(ServiceQuotasBackend, "get_service_quota", get_service_quota)


def uninstall() -> None:
    """Put moto's answer back."""
    _patches.undo()
