"""Signed submissions, taken before FastAPI's own routing: nothing may look into a body before its signature."""

from collections.abc import Iterable
from typing import Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.intake.gateway.answers import answer
from services.intake.gateway.problems import ProblemError


class SignedRoute(APIRoute):
    """A route whose endpoint takes the request as it came; FastAPI describes it, `SignedFirst` calls it."""


class SignedFirst:
    """Middleware that hands requests to the endpoints of signed routes, and all others on.

    FastAPI's layers have nothing to do for such a request: no form, no dependency, no handler but that of problems.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._others: Final = app
        self._routes: Final = [route for route in routes if isinstance(route, SignedRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                request = Request(scope, receive)
                try:
                    response = await route.endpoint(request=request, **found["path_params"])
                except ProblemError as error:
                    response = await answer(request, error)
                await response(scope, receive, send)
                return
        await self._others(scope, receive, send)
