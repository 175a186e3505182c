"""How the API describes itself: settings of drf-spectacular. The settings read it."""

from typing import Any

DESCRIPTION: dict[str, Any] = {
    "TITLE": "tieback",
    "VERSION": "1",
    "DESCRIPTION": "Mint, export and read Digital Product Passports.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tieback.api.schema.wrap_in_envelope",
    ],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    # Fields called status are of several kinds; each kind has its own name in the description.
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "minting.states.JobStatus",
        "BatchStatus": "minting.states.BatchStatus",
        "PhysicalStatus": "minting.states.PhysicalStatus",
        "ProductionBatchStatus": "minting.states.ProductionBatchStatus",
        "PackStatus": "exports.models.PackStatus",
        "ChainMode": "minting.states.ChainMode",
        "SubmissionStatus": "minting.states.SubmissionStatus",
        "SubmissionKind": "minting.states.SubmissionKind",
        "TransactionStatus": "minting.states.TransactionStatus",
        "RevocationStatus": "minting.states.RevocationStatus",
        "RevocationReason": "minting.states.RevocationReason",
        "RevocationKind": "minting.states.RevocationKind",
        "Category": "minting.passport_schema.CATEGORIES",
    },
}
