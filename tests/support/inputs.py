"""Inputs the module must refuse, with the words it must use, and inputs it must accept.

A word list holds the variable's name, the value given and the remedy, as they stand in the message.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Bad(NamedTuple):
    """One set of inputs, and what the message must say."""

    inputs: dict[str, Any]
    words: tuple[str, ...]


def one(variable: str, value: Any, *words: str) -> Bad:
    """Return a case with one wrong variable; its name is looked for as well."""
    return Bad({variable: value}, (variable, *words))


def attribute(variable: str, name: str, value: Any, *words: str) -> Bad:
    """Return a case with one wrong attribute of an object."""
    return Bad({variable: {name: value}}, (f"{variable}.{name}", *words))


ENGINE = {"engine": "datapipeline"}
"""The engine that takes most inputs: tests add it where a case says none."""

BUCKET = "hippolyte-own-bucket"
JAR = "s3://hippolyte-tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar"
OTHER_SUBNET = "subnet-fedcba98"
SUBNET = "subnet-0123456789abcdef0"
GROUP = "sg-0123456789abcdef0"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:backups"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def bucket(name: str, value: Any, *words: str) -> Bad:
    """Return a case with one wrong attribute of a bucket that is otherwise good."""
    return Bad({"backup_bucket": {"name": BUCKET, name: value}}, (f"backup_bucket.{name}", *words))


def group(name: str) -> Bad:
    """Return a case with one wrong security group beside two good ones."""
    names = ("master_security_group_id", "core_security_group_id")
    given = {"subnet_id": SUBNET, **dict.fromkeys(names, GROUP), name: "default"}
    return Bad({"cluster": given}, (f"cluster.{name}", '"default"', "null for EMR's own"))


def emr(name: str, value: Any, *words: str) -> Bad:
    """Return a case with one wrong attribute of an `emr` that is otherwise good."""
    return Bad({"engine": "emr", "emr": {"jar": JAR, name: value}}, (f"emr.{name}", *words))


def pair(release: str | None, version: str, *words: str) -> Bad:
    """Return a case of a release and a jar that do not go together."""
    jar = f"s3://tools/emr-dynamodb-tools-{version}-jar-with-dependencies.jar"
    documented = "Documented are emr-7.5 to emr-7.14 with 5.4 to 6.1"
    return Bad(
        {"engine": "emr", "emr": {"jar": jar}, "cluster": {"release_label": release}},
        ("cluster.release_label", f"connector {version}", documented, "docs/emr.md", *words),
    )


REFUSED: dict[str, Bad] = {
    # the deployment
    "name-capitals": one("name", "Hippolyte", '"Hippolyte"', 'Example: "hippolyte"'),
    "name-too-long": one("name", "h" * 28, "h" * 28, "28 characters", "2 to 27"),
    "name-too-short": one("name", "h", '"h"', "2 to 27"),
    "name-ends-in-hyphen": one("name", "backup-", '"backup-"', "single hyphens"),
    "name-two-hyphens": one("name", "a--b", '"a--b"', "single hyphens"),
    "enabled-no-bool": one("enabled", "perhaps", "a bool is required"),
    "tags-reserved": one("tags", {"aws:x": "y"}, '"aws:x"', "Rename the key"),
    "tags-empty-key": one("tags", {"": "y"}, '""', "Rename the key"),
    "tags-value": one("tags", {"x": "a\nb"}, r'"a\nb"', "Shorten the value"),
    "tags-too-many": one("tags", {f"t{n}": "v" for n in range(41)}, "got 41", "Remove some"),
    "boundary-a-name": one(
        "permissions_boundary", "boundary", '"boundary"', "null for none", "arn:aws:iam::"
    ),
    # when and what
    "start-twelve-hours": attribute("backup_window", "start", "7am", '"7am"', 'Example: "00:00"'),
    "start-hour-24": attribute("backup_window", "start", "24:00", '"24:00"', "HH:MM"),
    "end-without-zero": attribute("backup_window", "end", "7:00", '"7:00"', 'Example: "07:00"'),
    "end-minute-60": attribute("backup_window", "end", "06:60", '"06:60"', "HH:MM"),
    "end-equals-start": Bad(
        {"backup_window": {"start": "03:00", "end": "03:00"}},
        ("backup_window.start and backup_window.end must differ", '"03:00"', "a minute before"),
    ),
    "timezone-unknown": attribute(
        "backup_window", "timezone", "Europe/Atlantis", '"Europe/Atlantis"', '"Europe/Berlin"'
    ),
    "timezone-abbreviation": attribute(
        "backup_window", "timezone", "CEST", '"CEST"', "timezones.txt"
    ),
    "timezone-in-small-letters": attribute("backup_window", "timezone", "utc", '"utc"', "IANA"),
    "timezone-empty": attribute("backup_window", "timezone", "", '""', "timezones.txt"),
    "include-comma": attribute("tables", "include", ["a,b"], '["a,b"]', "Example"),
    "include-brackets": attribute("tables", "include", ["a[bc]"], '["a[bc]"]', "* and ?"),
    "include-empty-glob": attribute("tables", "include", [""], '[""]', "1 to 255"),
    "exclude-blank": attribute("tables", "exclude", ["a b"], '["a b"]', "Example"),
    "always-too-long": attribute("tables", "always", ["a" * 256], "a" * 256, "1 to 255"),
    "include-tags-with-an-empty-list": Bad(
        {"tables": {"include": [], "include_tags": {"backup": []}}},
        ("tables.include_tags", '{"backup":[]}', "at least one glob", '["*"] for any value'),
    ),
    "exclude-tags-key": attribute(
        "tables", "exclude_tags", {"a,b": ["*"]}, '{"a,b":["*"]}', "a tag's key", "Example"
    ),
    "exclude-tags-key-too-long": attribute(
        "tables", "exclude_tags", {"k" * 129: ["*"]}, "k" * 129, "1 to 128"
    ),
    "exclude-tags-value": attribute(
        "tables", "exclude_tags", {"backup": ["[no]"]}, '["[no]"]', "the wildcards * and ?"
    ),
    "include-tags-one-value": Bad(
        {"tables": {"include": [], "include_tags": {"backup": "yes"}}},
        ("include_tags", "list of string required"),
    ),
    "include-tags-beside-everything": attribute(
        "tables",
        "include_tags",
        {"backup": ["yes"]},
        '{"backup":["yes"]}',
        'holds "*"',
        "Set include = []",
    ),
    "tables-nothing-included": one("tables", {"include": []}, "include is []", "enabled = false"),
    "tables-all-excluded": one("tables", {"exclude": ["*"]}, 'exclude ["*"]', "selects nothing"),
    "percentage-0": one("consumed_percentage", 0, "got 0", "1 to 100", "Example: 50"),
    "percentage-101": one("consumed_percentage", 101, "got 101", "1 to 100"),
    "percentage-fraction": one("consumed_percentage", 0.5, "got 0.5", "whole number"),
    "percentage-text": one("consumed_percentage", "half", "a number is required"),
    "raise-no-word": one("raise_capacity", "sometimes", 'true, false or "plan", got "sometimes"'),
    "raise-no-text": one("raise_capacity", ["plan"], "string required"),
    "warm-no-bool": one("raise_above_warm_throughput", "sometimes", "a bool is required"),
    "estimates-guessed": attribute(
        "planning", "estimates", "guessed", 'got "guessed"', '"measured" or "formula"'
    ),
    **{
        f"price-{name}": Bad({"prices": {name: usd}}, ("prices: each must be a number", "above 0"))
        for name, usd in (
            ("read_unit_hour", 0),
            ("on_demand_million", -1),
            ("import_gb", 0),
            ("node_hour", 0),
            ("function_gb_second", 0),
            ("transition_thousand", 0),
            ("put_thousand", 0),
            ("get_thousand", 0),
            ("storage_gb_month", 0),
            ("activity_month", 0),
            ("export_gb", 0),
        )
    },
    "price-text": Bad({"prices": {"node_hour": "much"}}, ("prices", "a number is required")),
    "prices-region": Bad({"prices": {"region": []}}, ("region", "string required")),
    "prices-dated": Bad({"prices": {"dated": []}}, ("dated", "string required")),
    "prices-unknown": Bad({"prices": {"gold": 1}}, ("prices", "gold")),
    "native-glob": Bad(
        {"native_export": {"tables": ["orders/*"]}}, ("native_export: a glob", '"orders/*"')
    ),
    "native-exclude-alone": Bad(
        {"native_export": {"exclude": ["orders"]}}, ("native_export.exclude", "no effect")
    ),
    "drill-bytes": Bad({"restore_drill": {"max_bytes": 0}}, ("restore_drill: max_bytes", "from 1")),
    "drill-usd": Bad({"restore_drill": {"max_usd": 0}}, ("restore_drill:", "above 0")),
    "drill-canary": Bad({"restore_drill": {"canary": []}}, ("canary", "string required")),
    "drill-exclude": Bad({"restore_drill": {"exclude": "logs-*"}}, ("exclude", "list of string")),
    "drill-unknown": Bad({"restore_drill": {"tables": []}}, ("restore_drill", "tables")),
    "ceiling-0": one("max_read_capacity", 0, "got 0", "null", "raise_capacity = false"),
    "ceiling-fraction": one("max_read_capacity", 1.5, "got 1.5", "whole number"),
    "money-0": one("max_night_usd", 0, "above 0, got 0", "null", "enabled = false"),
    "money-text": one("max_night_usd", "little", "a number is required"),
    "verify-below-0": one("verify_days", -1, "got -1", "from 0", "Example: 35"),
    "verify-fraction": one("verify_days", 1.5, "got 1.5", "whole number"),
    "verify-too-long": one("verify_days", 3651, "got 3651", "3650"),
    # where to, for how long, who is told
    "bucket-arn": bucket("name", "arn:aws:s3:::x", '"arn:aws:s3:::x"', "not an ARN or a URL"),
    "bucket-capitals": bucket("name", "Backups", '"Backups"', "3 to 63"),
    "bucket-too-long": bucket("name", "b" * 64, "b" * 64, "3 to 63"),
    "bucket-without-name": one("backup_bucket", {"prefix": "x"}, '"name" is required'),
    "prefix-slash-at-end": bucket("prefix", "prod/", '"prod/"', "none at either end"),
    "prefix-slash-at-start": bucket("prefix", "/prod", '"/prod"', 'Example: "dynamodb/prod"'),
    "prefix-comma": bucket("prefix", "a,b", '"a,b"', "letters, digits"),
    "prefix-too-long": bucket("prefix", "p" * 201, "p" * 201, "up to 200"),
    "key-alias": bucket("kms_key_arn", "alias/backups", '"alias/backups"', "not of an alias"),
    "bucket-owner": bucket("owner", "12345", '"12345"', "12 digits", "this account's own"),
    "bucket-region": bucket("region", "Ireland", '"Ireland"', 'Example: "eu-west-1"'),
    "bucket-sse-header": bucket("sse_header", "AES-256", '"AES-256"', '"aws:kms"', "null if it"),
    "bucket-sse-header-of-s3-with-a-key": Bad(
        {
            "engine": "emr",
            "emr": {"jar": JAR},
            "backup_bucket": {"name": BUCKET, "kms_key_arn": KEY, "sse_header": "AES256"},
        },
        ("backup_bucket.sse_header", "S3's own key", 'Take "aws:kms"'),
    ),
    "bucket-sse-header-with-data-pipeline": Bad(
        {"backup_bucket": {"name": BUCKET, "sse_header": "AES256"}},
        ("backup_bucket.sse_header", '"AES256"', 'engine = "datapipeline"', "Take another engine"),
    ),
    "own-key-alias": one("kms_key_arn", "alias/logs", '"alias/logs"', "not of an alias"),
    "role-path": one("role_path", "teams", '"teams"', 'Example: "/teams/data/"'),
    "vpc-without-groups": Bad(
        {"vpc": {"subnet_ids": [SUBNET], "security_group_ids": []}},
        ("vpc.security_group_ids", "[]", "one or more"),
    ),
    "vpc-subnet": Bad(
        {"vpc": {"subnet_ids": ["eu-west-1a"], "security_group_ids": [GROUP]}},
        ("vpc.subnet_ids", '["eu-west-1a"]', "subnets' ids"),
    ),
    "vpc-half": one("vpc", {"subnet_ids": [SUBNET]}, '"security_group_ids" is required'),
    "volume-key": attribute("cluster", "volume_kms_key_arn", "alias/ebs", "not of an alias"),
    "bucket-grant-no-accounts": Bad(
        {"backup_bucket": {"name": BUCKET, "grant": {"account_ids": ["all"], "names": []}}},
        ("backup_bucket.grant.account_ids", '["all"]', "output backup_bucket of the module"),
    ),
    "bucket-grant-without-names": Bad(
        {"backup_bucket": {"name": BUCKET, "grant": {"account_ids": ["111111111111"]}}},
        ("backup_bucket", 'attribute "names" is required'),
    ),
    "topic-name": Bad(
        {"central_topic": {"arn": "backups"}},
        ("central_topic.arn", '"backups"', "central_topic = null for the module's own"),
    ),
    "topic-fifo": Bad(
        {"central_topic": {"arn": f"{TOPIC}.fifo"}}, ("central_topic.arn", "standard SNS topic")
    ),
    "topic-key": Bad(
        {"central_topic": {"arn": TOPIC, "kms_key_arn": "alias/aws/sns"}},
        ("central_topic.kms_key_arn", '"alias/aws/sns"', "not of an alias"),
    ),
    "topic-grant-no-accounts": Bad(
        {"central_topic": {"arn": TOPIC, "grant": {"account_ids": ["1"], "names": ["a"]}}},
        ("central_topic.grant.account_ids", '["1"]', "output central_topic of the module"),
    ),
    "topic-grant-without-names": Bad(
        {"central_topic": {"arn": TOPIC, "grant": {"account_ids": ["111111111111"]}}},
        ("central_topic", 'attribute "names" is required'),
    ),
    "retention-1": one("retention_days", 1, "got 1", "from 2", "Example: 35"),
    "retention-too-long": one("retention_days", 3651, "got 3651", "3650"),
    "weeks-negative": one("retention_weeks", -1, "got -1", "whole number from 0", "Example: 12"),
    "weeks-fraction": one("retention_weeks", 1.5, "got 1.5", "whole number"),
    "months-too-many": one("retention_months", 121, "got 121", "120", "Example: 13"),
    "retention-fraction": one("retention_days", 7.5, "got 7.5", "whole number"),
    "storage-class-of-hours": one(
        "storage_classes", {"DEEP_ARCHIVE": 30}, '["DEEP_ARCHIVE"]', "read at once", "GLACIER_IR"
    ),
    "storage-class-too-early": one(
        "storage_classes", {"STANDARD_IA": 7}, '{"STANDARD_IA":7}', "at least 30"
    ),
    "storage-class-fraction": one("storage_classes", {"GLACIER_IR": 0.5}, "whole numbers"),
    "storage-classes-on-one-day": one(
        "storage_classes", {"GLACIER_IR": 30, "STANDARD_IA": 30}, "same day", "Keep the one"
    ),
    "storage-classes-in-no-order-of-s3": one(
        "storage_classes",
        {"GLACIER_IR": 7, "STANDARD_IA": 30},
        '{"GLACIER_IR":7,"STANDARD_IA":30}',
        "order that S3 does not take",
        "Keep one class",
    ),
    "kept-longer-than-the-bucket-keeps": Bad(
        {
            "backup_bucket": {"name": BUCKET, "retention": {"weeks": 4, "months": 0}},
            "retention_weeks": 12,
        },
        ("retention_weeks (12)", BUCKET, "weeks: 4, months: 0", "Set both in the module"),
    ),
    "bucket-retention-no-weeks": Bad(
        {"backup_bucket": {"name": BUCKET, "retention": {"months": 1}}},
        ("backup_bucket", 'attribute "weeks" is required'),
    ),
    "bucket-retention-no-months": Bad(
        {"backup_bucket": {"name": BUCKET, "retention": {"weeks": 1}}},
        ("backup_bucket", 'attribute "months" is required'),
    ),
    "storage-class-after-the-end": Bad(
        {"storage_classes": {"STANDARD_IA": 30}, "retention_days": 30},
        ("storage_classes", '{"STANDARD_IA":30}', "retention_days (30)", "Take fewer days"),
    ),
    "storage-class-after-the-last-month": Bad(
        {"storage_classes": {"GLACIER_IR": 403}, "retention_weeks": 12, "retention_months": 13},
        ("storage_classes", '{"GLACIER_IR":403}', "day 403 on", "retention_months (13)"),
    ),
    "storage-class-left-too-early": one(
        "storage_classes",
        {"STANDARD_IA": 30, "GLACIER_IR": 59},
        '{"GLACIER_IR":59,"STANDARD_IA":30}',
        "less than 30 days",
        "GLACIER_IR = 60",
    ),
    "destroy-of-what-nobody-may-delete": Bad(
        {"object_lock": {"mode": "COMPLIANCE", "days": 14}, "force_destroy": True},
        ("force_destroy = true", 'object_lock.mode = "COMPLIANCE"', "nobody", "wait 14 days"),
    ),
    "lock-of-a-bucket-that-is-given": Bad(
        {
            "backup_bucket": {"name": BUCKET},
            "object_lock": {"mode": "GOVERNANCE", "days": 3},
        },
        ("object_lock", "no effect", BUCKET, "the submodule backup-bucket takes the same"),
    ),
    "lock-longer-than-retention": Bad(
        {"object_lock": {"mode": "COMPLIANCE", "days": 36}},
        ("object_lock.days (36)", "retention_days (35)", "forbids a shorter retention", "Lower"),
    ),
    "lock-mode": Bad(
        {"object_lock": {"mode": "governance", "days": 1}},
        ("object_lock.mode", '"governance"', 'Begin with "GOVERNANCE"'),
    ),
    "lock-without-days": Bad(
        {"object_lock": {"mode": "GOVERNANCE", "days": None}},
        ("object_lock.days", "got null", "Example: 14"),
    ),
    "lock-fraction": Bad(
        {"object_lock": {"mode": "GOVERNANCE", "days": 0.5}},
        ("object_lock.days", "got 0.5", "whole number"),
    ),
    "destroy-no-bool": one("force_destroy", "please", "a bool is required"),
    "email-no-address": one("alert_emails", ["oncall"], '["oncall"]', "oncall@example.com"),
    "email-with-name": one("alert_emails", ["A <a@b.de>"], "a@b.de", "plain e-mail addresses"),
    "email-twice": one("alert_emails", ["a@b.de", "A@b.de"], '"A@b.de"', "Remove the duplicate"),
    "runbook-no-address": one(
        "runbook_url", "docs/operations.md", '"docs/operations.md"', "https://", "null"
    ),
    "runbook-with-an-entry": one(
        "runbook_url", "https://wiki.example.com/backups#page", "without a #", "Example"
    ),
    "runbook-too-long": one("runbook_url", f"https://{'a' * 293}", "at most 300 characters"),
    "alarms-no-bool": one("alarms_enabled", "some", "a bool is required"),
    "events-no-bool": one("events_enabled", "some", "a bool is required"),
    "dashboard-no-bool": one("dashboard_enabled", "some", "a bool is required"),
    "good-nights-no-bool": one("tell_good_nights", "some", "a bool is required"),
    # the engine
    "runtime-old": attribute("lambda", "runtime", "python3.9", '"python3.9"', '"python3.13"'),
    "memory-small": attribute("lambda", "memory_size", 128, "got 128", "256 to 10240"),
    "memory-large": attribute("lambda", "memory_size", 10241, "got 10241", "256 to 10240"),
    "log-retention": attribute("lambda", "log_retention_days", 31, "got 31", "Example: 30"),
    "engine-glue": one("engine", "glue", '"glue"', 'Take "lambda", which needs nothing else'),
    "engine-capitals": one("engine", "EMR", '"EMR"', '"lambda", "emr" or "datapipeline"'),
    "exporter-memory-small": attribute(
        "exporter", "memory_size", 511, "got 511", "512 to 10240", "Example: 1769"
    ),
    "exporter-memory-large": attribute("exporter", "memory_size", 10241, "got 10241", "MB"),
    "exporter-memory-fraction": attribute("exporter", "memory_size", 1769.5, "got 1769.5", "whole"),
    "exporter-workers-none": attribute(
        "exporter", "max_workers", 0, "got 0", "1 to 100", "Example: 10"
    ),
    "exporter-workers-many": attribute("exporter", "max_workers", 101, "got 101", "1 to 100"),
    "exporter-workers-fraction": attribute("exporter", "max_workers", 2.5, "got 2.5", "whole"),
    "exporter-workers-no-number": Bad(
        {"exporter": {"max_workers": "many"}}, ("exporter", "a number is required")
    ),
    "jar-https": emr(
        "jar", "https://x/emr-dynamodb-tools-6.0.0.jar", '"https://x/', "s3://<bucket>"
    ),
    "jar-without-version": emr(
        "jar",
        "s3://tools/export.jar",
        '"s3://tools/export.jar"',
        "Fetch and upload it as docs/emr.md",
    ),
    "jar-without-key": emr("jar", "s3://tools", '"s3://tools"', "emr-dynamodb-tools-X.Y.Z"),
    "jar-missing": Bad({"engine": "emr", "emr": {"spot": True}}, ("emr", '"jar" is required')),
    "jar-key-alias": emr("jar_kms_key_arn", "alias/tools", '"alias/tools"', "not of an alias"),
    "emr-subnet": emr("subnet_ids", ["subnet-1"], '["subnet-1"]', "[] for the default subnet"),
    "emr-subnet-twice": emr("subnet_ids", [SUBNET, SUBNET], SUBNET, "Remove the duplicate"),
    "spot-no-bool": Bad(
        {"engine": "emr", "emr": {"jar": JAR, "spot": "maybe"}}, ("emr", "a bool is required")
    ),
    "security-configuration": emr("security_configuration", "", '""', "Use null for none"),
    "fleet-type": emr("instance_types", ["large"], '["large"]', "cluster.core_instance_type alone"),
    "fleet-too-large": emr(
        "instance_types", [f"m{n}.xlarge" for n in range(6)], '"m5.xlarge"', "at most 5"
    ),
    "fleet-type-twice": emr("instance_types", ["m5.xlarge"] * 2, "different", "the duplicate"),
    "pipeline-region": one("pipeline_region", "eu-central-1", '"eu-central-1"', "eu-west-1"),
    "strict-no-bool": one("strict_datapipeline_iam", "very", "a bool is required"),
    "release-number": attribute("cluster", "release_label", "7.13.0", '"7.13.0"', '"emr-7.13.0"'),
    "release-4": attribute("cluster", "release_label", "emr-4.9.6", '"emr-4.9.6"', "X from 5"),
    "master-type": attribute("cluster", "master_instance_type", "large", '"large"', '"m5.xlarge"'),
    "core-type": attribute(
        "cluster", "core_instance_type", "m5 xlarge", '"m5 xlarge"', "m5.xlarge"
    ),
    "core-count-0": attribute("cluster", "core_instance_count", 0, "got 0", "1 to 20"),
    "core-count-fraction": attribute("cluster", "core_instance_count", 1.5, "got 1.5", "whole"),
    "subnet": attribute("cluster", "subnet_id", "subnet-1", '"subnet-1"', "null for the default"),
    "key-pair": attribute("cluster", "key_pair", "", '""', "Use null for none"),
    "master-group": group("master_security_group_id"),
    "core-group": group("core_security_group_id"),
    "service-group": group("service_access_security_group_id"),
    "one-group-only": Bad(
        {"cluster": {"subnet_id": SUBNET, "core_security_group_id": GROUP}},
        ("cluster.master_security_group_id and cluster.core_security_group_id", GROUP, "neither"),
    ),
    "service-group-alone": Bad(
        {"cluster": {"subnet_id": SUBNET, "service_access_security_group_id": GROUP}},
        ("cluster.service_access_security_group_id", GROUP, "Set all three or none"),
    ),
    "groups-without-subnet": Bad(
        {"cluster": {"master_security_group_id": GROUP, "core_security_group_id": GROUP}},
        ("cluster.subnet_id must be set", GROUP, "leave the groups null"),
    ),
    "attempts": attribute("planning", "attempts", 6, "got 6", "1 to 5", "Example: 2"),
    "max-clusters": attribute("planning", "max_clusters", 0, "got 0", "1 to 100", "Example: 10"),
    "bytes-per-cluster": attribute(
        "planning", "cluster_bytes_per_second", 5, "got 5", "100000 to 10000000000"
    ),
    "bytes-per-unit": attribute("planning", "bytes_per_read_unit", 512, "got 512", "1024 to 8192"),
    "consistent-no-bool": one("consistent_reads", "often", "a bool is required"),
    "consistent-and-more-than-that-brings": Bad(
        {
            "engine": "lambda",
            "consistent_reads": True,
            "planning": {"bytes_per_read_unit": 6144},
        },
        ("planning.bytes_per_read_unit (6144)", "consistent_reads = true", "Lower it"),
    ),
    "consistent-with-data-pipeline": Bad(
        {"consistent_reads": True},
        ("consistent_reads = true", 'engine = "datapipeline"', 'or set engine = "lambda"'),
    ),
    "cluster-bootstrap": attribute(
        "planning", "cluster_bootstrap_seconds", -1, "got -1", "0 to 7200", "Example: 600"
    ),
    "activity-bootstrap": attribute(
        "planning", "activity_bootstrap_seconds", 3601, "got 3601", "0 to 3600", "Example: 60"
    ),
    "on-demand-rate": attribute(
        "planning", "on_demand_read_rate", 40001, "got 40001", "1 to 40000", "Example: 1000"
    ),
    "tolerance": attribute(
        "planning", "item_count_tolerance_percentage", 101, "got 101", "0 to 100", "Example: 20"
    ),
    "concurrency": attribute(
        "planning", "discovery_concurrency", 33, "got 33", "1 to 32", "Example: 24"
    ),
    # rules across variables
    "window-shorter-than-bootstraps": Bad(
        {"backup_window": {"start": "23:50", "end": "00:10"}},
        ("backup_window from 23:50 to 00:10 lasts 20 minutes", "needs 21", "Widen the window"),
    ),
    "window-against-long-bootstrap": Bad(
        {"backup_window": {"end": "01:00"}, "planning": {"cluster_bootstrap_seconds": 3600}},
        ("lasts 60 minutes", "planning.cluster_bootstrap_seconds (3600)", "lower the bootstraps"),
    ),
    "window-under-a-quarter-of-an-hour": Bad(
        {
            "backup_window": {"end": "00:14"},
            "planning": {"cluster_bootstrap_seconds": 0, "activity_bootstrap_seconds": 0},
        },
        ("lasts 14 minutes", "needs 15", "Widen the window"),
    ),
    "ceiling-without-raise": Bad(
        {"raise_capacity": False, "max_read_capacity": 5000},
        ("max_read_capacity (5000)", "raise_capacity = false", "Remove it"),
    ),
    "destroy-of-a-given-bucket": Bad(
        {"force_destroy": True, "backup_bucket": {"name": BUCKET}},
        ("force_destroy = true", BUCKET, "Remove force_destroy"),
    ),
    # what belongs to the other engine, and what goes together
    "emr-without-jar": Bad(
        {"engine": "emr"}, ('engine = "emr" needs emr.jar', "emr is null", "docs/emr.md", "s3://")
    ),
    "emr-with-data-pipeline": Bad(
        {"engine": "datapipeline", "emr": {"jar": JAR}},
        ("emr (jar", JAR, 'engine = "datapipeline"', "Remove emr"),
    ),
    "emr-with-lambda": Bad(
        {"engine": "lambda", "emr": {"jar": JAR}},
        ("emr (jar", JAR, 'engine = "lambda"', "needs no export tool", "Remove emr"),
    ),
    "cluster-with-lambda": Bad(
        {"engine": "lambda", "cluster": {"core_instance_count": 2}},
        ('cluster ({"core_instance_count":2})', 'engine = "lambda"', "Remove it"),
    ),
    "groups-with-lambda": Bad(
        {
            "engine": "lambda",
            "cluster": {"master_security_group_id": GROUP, "core_security_group_id": GROUP},
        },
        ("cluster ({", GROUP, 'engine = "lambda"', "Remove it"),
    ),
    "pipeline-region-with-lambda": Bad(
        {"engine": "lambda", "pipeline_region": "eu-west-1"},
        ('pipeline_region ("eu-west-1")', 'engine = "lambda"', "Remove it"),
    ),
    "strict-with-lambda": Bad(
        {"engine": "lambda", "strict_datapipeline_iam": True},
        ("strict_datapipeline_iam = true", 'engine = "lambda"', "Remove it"),
    ),
    "window-with-lambda": Bad(
        {"engine": "lambda", "backup_window": {"start": "23:50", "end": "00:04"}},
        ("lasts 14 minutes", "needs 15. Widen the window"),
    ),
    "pipeline-region-with-emr": Bad(
        {"engine": "emr", "emr": {"jar": JAR}, "pipeline_region": "eu-west-1"},
        ('pipeline_region ("eu-west-1")', 'engine = "emr"', "Remove it"),
    ),
    "strict-with-emr": Bad(
        {"engine": "emr", "emr": {"jar": JAR}, "strict_datapipeline_iam": True},
        ("strict_datapipeline_iam = true", 'engine = "emr"', "Remove it"),
    ),
    "subnet-with-emr": Bad(
        {"engine": "emr", "emr": {"jar": JAR}, "cluster": {"subnet_id": SUBNET}},
        (f'cluster.subnet_id ("{SUBNET}")', f'Set emr.subnet_ids = ["{SUBNET}"] instead'),
    ),
    "groups-without-emr-subnet": Bad(
        {
            "engine": "emr",
            "emr": {"jar": JAR},
            "cluster": {"master_security_group_id": GROUP, "core_security_group_id": GROUP},
        },
        ("emr.subnet_ids must be set", GROUP, "leave the groups null"),
    ),
    "new-release-with-data-pipeline": Bad(
        {"cluster": {"release_label": "emr-7.13.0"}},
        ("cluster.release_label must be one of emr-5.2x", '"emr-7.13.0"', 'Take "emr-5.27.1"'),
    ),
    "hadoop-3-with-data-pipeline": Bad(
        {"cluster": {"release_label": "emr-5.32.0"}}, ("one of emr-5.2x", '"emr-5.32.0"')
    ),
    "hosted-jar-with-emr": pair(None, "4.11.0", '"emr-7.13.0"'),
    "java-17-jar-with-java-8": pair("emr-6.15.0", "6.0.0", '"emr-6.15.0"'),
    "release-that-relocates-the-sdk": pair("emr-7.4.0", "5.6.0", '"emr-7.4.0"'),
    "old-jar-with-new-release": pair("emr-7.14.0", "5.3.0", '"emr-7.14.0"'),
    "release-of-data-pipeline-with-emr": pair("emr-5.27.1", "5.5.0", '"emr-5.27.1"'),
    "release-not-in-the-list": pair("emr-7.15.0", "6.1.0", '"emr-7.15.0"'),
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "defaults": {},
    "nulls-mean-defaults": {
        "name": None,
        "engine": None,
        "exporter": None,
        "backup_window": None,
        "tables": {"include": None},
        "cluster": None,
        "alert_emails": None,
    },
    "window-over-midnight": {
        "backup_window": {"start": "22:30", "end": "05:00", "timezone": "Europe/Berlin"}
    },
    "window-of-almost-a-day": {"backup_window": {"start": "00:00", "end": "23:59"}},
    "window-just-long-enough": {"backup_window": {"start": "23:50", "end": "00:11"}},
    "old-zone-name": {"backup_window": {"timezone": "US/Pacific"}},
    "longest-name": {"name": "a" * 27},
    "edges": {
        "consumed_percentage": 100,
        "retention_days": 2,
        "retention_weeks": 520,
        "retention_months": 120,
        "verify_days": 0,
        "max_read_capacity": 1,
        "max_night_usd": 0.5,
        "lambda": {"runtime": "python3.14", "memory_size": 256, "log_retention_days": 1},
        "planning": {"attempts": 1, "max_clusters": 100, "discovery_concurrency": 32},
    },
    "moved-when-only-weeks-and-months-are-left": {
        "storage_classes": {"STANDARD_IA": 40, "GLACIER_IR": 402},
        "retention_weeks": 12,
        "retention_months": 13,
    },
    "destroyed-by-who-may-break-the-lock": {
        "object_lock": {"mode": "GOVERNANCE", "days": 14},
        "force_destroy": True,
    },
    "kept-cheaper-and-safer": {
        "storage_classes": {"INTELLIGENT_TIERING": 0, "GLACIER_IR": 34},
        "object_lock": {"mode": "GOVERNANCE", "days": 35},
    },
    "own-bucket": {
        "backup_bucket": {"name": "a.b-c.d", "prefix": "dynamodb/prod", "kms_key_arn": KEY}
    },
    "central": {
        "backup_bucket": {
            "name": "central-backups",
            "region": "us-gov-west-1",
            "kms_key_arn": KEY,
            "grant": {"account_ids": ["111111111111"], "names": ["hippolyte"]},
            "retention": {"weeks": 12, "months": 13},
        },
        "retention_weeks": 12,
        "retention_months": 13,
        "central_topic": {"arn": TOPIC, "kms_key_arn": KEY, "grant": None},
    },
    "sovereign-cloud": {"backup_bucket": {"name": "central-backups", "region": "eusc-de-east-1"}},
    "guarded": {
        "engine": "emr",
        "emr": {"jar": JAR},
        "role_path": "/teams/data/",
        "kms_key_arn": KEY,
        "vpc": {"subnet_ids": [SUBNET], "security_group_ids": [GROUP]},
        "cluster": {"volume_kms_key_arn": KEY},
        "backup_bucket": {"name": BUCKET, "kms_key_arn": KEY, "sse_header": "aws:kms"},
    },
    "own-network": {
        "cluster": {
            "release_label": "emr-5.29.0",
            "subnet_id": SUBNET,
            "key_pair": "my key",
            "master_security_group_id": GROUP,
            "core_security_group_id": GROUP,
            "service_access_security_group_id": GROUP,
        }
    },
    "by-tag": {
        "tables": {
            "include": [],
            "include_tags": {
                "backup": ["yes", "nightly-*"],
                "aws:cloudformation:stack-name": ["*"],
            },
            "exclude_tags": {"data class": ["public"], "empty": [""]},
        }
    },
    "tags-beside-names": {"tables": {"include": ["prod-*"], "include_tags": {"backup": ["yes"]}}},
    "only-always": {"tables": {"include": [], "always": ["orders", "users-*"]}},
    "lambda": {"engine": "lambda"},
    "lambda-with-all-it-takes": {
        "engine": "lambda",
        "exporter": {"memory_size": 512, "max_workers": 100},
        "consistent_reads": True,
        "planning": {"bytes_per_read_unit": None, "cluster_bytes_per_second": None},
        "backup_window": {"start": "23:50", "end": "00:05"},
        "backup_bucket": {"name": BUCKET, "kms_key_arn": KEY, "sse_header": "aws:kms"},
        "cluster": {},
        "emr": None,
        "pipeline_region": None,
    },
    "exporter-with-another-engine": {"exporter": {"memory_size": 10240, "max_workers": 1}},
    "emr": {"engine": "emr", "emr": {"jar": JAR}},
    "emr-in-private-subnets": {
        "engine": "emr",
        "emr": {
            "jar": "s3://a.b-c/tools/prod/emr-dynamodb-tools-5.5.0-SNAPSHOT.jar",
            "jar_kms_key_arn": KEY,
            "subnet_ids": [SUBNET, OTHER_SUBNET],
            "spot": True,
            "security_configuration": "at rest",
            "instance_types": ["m5.xlarge", "m5a.xlarge", "m5d.xlarge", "m6a.xlarge", "m6i.xlarge"],
        },
        "cluster": {
            "release_label": "emr-7.5.0",
            "master_security_group_id": GROUP,
            "core_security_group_id": GROUP,
            "service_access_security_group_id": GROUP,
        },
    },
    "emr-oldest": {
        "engine": "emr",
        "emr": {"jar": JAR.replace("6.0.0", "5.4.0"), "subnet_ids": None, "spot": None},
        "cluster": {"release_label": "emr-7.5.0"},
    },
    "emr-thin-jar-of-maven-central": {
        "engine": "emr",
        "emr": {"jar": "s3://example-tools/emr-dynamodb-tools-5.6.0.jar"},
    },
    "emr-newest": {
        "engine": "emr",
        "emr": {"jar": JAR.replace("6.0.0", "6.1.2")},
        "cluster": {"release_label": "emr-7.14.0"},
    },
    "every-other": {
        "enabled": False,
        "tags": {"team": "data platform", "cost-centre": "42", "empty": ""},
        "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
        "raise_capacity": False,
        "force_destroy": True,
        "alert_emails": ["oncall+backups@example.co.uk"],
        "alarms_enabled": False,
        "dashboard_enabled": False,
        "tell_good_nights": False,
        "runbook_url": "https://wiki.example.com/display/BACKUPS/runbook?version=3",
        "events_enabled": True,
        "pipeline_region": "ap-southeast-2",
        "strict_datapipeline_iam": True,
    },
}
