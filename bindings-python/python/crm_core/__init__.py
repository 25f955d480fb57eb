"""crm-core: the CRM engine that you embed.

Operations that need no store are ready to be used: `quotes.price(currency="USD", lines=[...])`. `Crm.open("sqlite:deals.db")`
is an engine over a file, `decide_with` decides on tables of your own. Every operation gives an `Answer` with `value` and
`reasons`, or raises a `CrmError`.
"""

from . import frames, inputs, models, sql
from ._answer import Answer, Reason, render
from ._crm import call as call_json
from ._crm import describe as _describe
from ._generated.pure import *
from ._generated.pure import __all__ as _pure
from ._values import UNSET, Options, Unset
from ._wire import loads as _loads
from ._conformance import Report, conformance, conformance_async
from .crm import AsyncCrm, Contents, Crm
from .decision import (
    Changes,
    Done,
    Fact,
    Need,
    Needs,
    Put,
    absent,
    decide,
    decide_with,
    decide_with_async,
    fact,
    found,
    happened,
)
from .errors import (
    ConflictError,
    CrmError,
    ForbiddenError,
    InternalError,
    InvalidTransitionError,
    LimitError,
    NotFoundError,
    StorageError,
    UnsupportedError,
    ValidationError,
)
from .repository import AsyncRepository, Repository, select

__version__: str = _loads(_describe())["version"]

__all__ = [
    *_pure,
    "Answer",
    "AsyncCrm",
    "AsyncRepository",
    "Changes",
    "ConflictError",
    "Contents",
    "Crm",
    "CrmError",
    "Done",
    "Fact",
    "ForbiddenError",
    "InternalError",
    "InvalidTransitionError",
    "LimitError",
    "Need",
    "Needs",
    "NotFoundError",
    "Options",
    "Put",
    "Reason",
    "Report",
    "Repository",
    "StorageError",
    "UNSET",
    "Unset",
    "UnsupportedError",
    "ValidationError",
    "absent",
    "call_json",
    "conformance",
    "conformance_async",
    "decide",
    "decide_with",
    "decide_with_async",
    "fact",
    "found",
    "frames",
    "happened",
    "inputs",
    "models",
    "render",
    "select",
    "sql",
]
