"""Problems as answers of the gateway; the problems themselves know no web framework, which the command line spares."""

from fastapi import Request
from fastapi.responses import JSONResponse

from services.intake.gateway.problems import MEDIA_TYPE, ProblemError


async def answer(_request: Request, error: Exception) -> JSONResponse:
    """Answer a `ProblemError`; the exception handler of the application."""
    if not isinstance(error, ProblemError):
        raise error
    return JSONResponse(error.body(), error.problem.status, error.headers, MEDIA_TYPE)
