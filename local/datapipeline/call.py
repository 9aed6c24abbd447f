"""One call of Data Pipeline's API: its parameters, and the pipelines it can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError

from local.core import aws

if TYPE_CHECKING:
    from moto.datapipeline.models import DataPipelineBackend

    from local.datapipeline.pipeline import Pipeline


def bad_request(message: str) -> JsonRESTError:
    """Return InvalidRequestException."""
    return JsonRESTError("InvalidRequestException", message)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who answers it, and its parameters."""

    world: aws.Aws
    backend: DataPipelineBackend
    params: dict[str, Any]

    def text(self, name: str, limit: int = 1024) -> str:
        """Return a required string parameter."""
        text = self.params.get(name)
        if not isinstance(text, str) or not 1 <= len(text) <= limit:
            raise bad_request(f"'{name}' must be a string of 1 to {limit} characters")
        return text

    @property
    def pipelines(self) -> dict[str, Pipeline]:
        """The pipelines there are."""
        return self.backend.pipelines

    @property
    def deleted(self) -> set[str]:
        """The ids of deleted pipelines; lives and dies with moto's backend."""
        return self.backend.__dict__.setdefault("deleted_ids", set())

    def pipeline(self, pipeline_id: str | None = None) -> Pipeline:
        """Return a pipeline (by default the one the call names) or refuse as the service does."""
        wanted = pipeline_id or self.text("pipelineId")
        if wanted in self.deleted:
            raise JsonRESTError("PipelineDeletedException", f"Pipeline {wanted} has been deleted")
        return self.known(wanted)

    def known(self, wanted: str) -> Pipeline:
        """Return a pipeline that exists."""
        if wanted not in self.pipelines:
            raise JsonRESTError("PipelineNotFoundException", f"Pipeline {wanted} does not exist")
        return self.pipelines[wanted]
