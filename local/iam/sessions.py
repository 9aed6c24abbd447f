"""Sessions of roles, as STS hands them out."""

from __future__ import annotations

from moto.sts.models import sts_backends


def session_keys(role_arn: str, region: str, session_name: str) -> dict[str, str]:
    """Return the environment variables of a new session of a role, made in moto's STS."""
    account = role_arn.split(":")[4]
    role = sts_backends[account]["aws"].assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=3600,
        external_id="",
    )
    return {
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }
