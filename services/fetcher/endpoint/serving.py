"""The requests that the endpoint answers: who is asked for what, and how an answer or a refusal looks."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from aiohttp import ClientError, web

from services.domain.errors import MailweaveError
from services.fetcher.endpoint import folder_forms, forms, refusals, uploads
from services.fetcher.endpoint.admission import Admission
from services.fetcher.endpoint.bodies import checked
from services.fetcher.endpoint.desk import Desk
from services.fetcher.endpoint.folder_desk import Answer, FolderDesk
from services.runtime import metrics
from services.settings.declaring import Strict

log = logging.getLogger(__name__)

THREADS = 4
SLOTS = 4
SLOT_SECONDS = 5.0
LARGEST_BODY = 1024 * 1024

T = TypeVar("T")


class Service:
    """
    Answers requests. To be made inside the event loop that uses it.

    At most ``SLOTS`` uploads are on their way in, each with at most 8 MB in memory; what waits for a store does so in
    ``THREADS`` threads.
    """

    def __init__(self, admission: Admission, desk: Desk) -> None:
        self._admission = admission
        self._desk = desk
        self._pool = ThreadPoolExecutor(THREADS, "endpoint")
        self._slots = asyncio.Semaphore(SLOTS)
        folders = FolderDesk(desk.ports)
        self._steps: Mapping[str, tuple[type[Strict], Callable[..., Answer]]] = {
            "claim": (forms.Nothing, desk.claim),
            "position": (forms.Folder, folders.position),
            "opened": (folder_forms.Opened, folders.opened),
            "recognise": (folder_forms.Recognise, folders.recognise),
            "advance": (forms.Advance, folders.advance),
            "known": (forms.Nothing, folders.known),
            "know-as": (folder_forms.KnowAs, folders.know_as),
            "forget": (folder_forms.Forget, folders.forget),
            "untracked": (folder_forms.Untracked, folders.untracked),
            "looked": (folder_forms.Looked, folders.looked),
            "vacate": (folder_forms.Vacate, folders.vacate),
            "passed": (forms.PassOver, desk.pass_over),
            "handled": (forms.Asked, desk.handled),
            "stored": (forms.Asked, desk.stored),
            "folder": (forms.FolderState, folders.folder),
            "end": (forms.End, desk.end),
        }

    def application(self) -> web.Application:
        """Return what aiohttp serves."""
        app = web.Application(middlewares=[_answered], client_max_size=LARGEST_BODY)
        app.router.add_get(f"/v{forms.VERSION}/router", self._introduce)
        app.router.add_post(f"/v{forms.VERSION}/mailboxes/{{mailbox}}/mails", self._upload)
        app.router.add_post(f"/v{forms.VERSION}/mailboxes/{{mailbox}}/{{step}}", self._step)
        app.router.add_route("*", r"/v{version:\d{1,4}}/{rest:router|mailboxes/.+}", _otherwise)
        return app

    def close(self) -> None:
        """Begin nothing more. What runs is not waited for: its router has no answer and hands in again."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _introduce(self, request: web.Request) -> web.Response:
        router = await self._router(request)
        return _json(200, await self._run(lambda: self._admission.introduce(router)))

    async def _step(self, request: web.Request) -> web.Response:
        router = await self._router(request)
        if request.match_info["step"] not in self._steps:
            raise refusals.NotFound("there is no such request")
        form, step = self._steps[request.match_info["step"]]
        of = self._admission.admit(router, request.match_info["mailbox"])
        try:
            async with asyncio.timeout(uploads.GRACE_SECONDS):
                body = await request.read()
        except TimeoutError:
            raise refusals.TooSlow("the body did not come") from None
        given = checked(form, body)
        return _json(200, await self._run(lambda: step(of, given)))

    async def _upload(self, request: web.Request) -> web.Response:
        router = await self._router(request)
        of = self._admission.admit(router, request.match_info["mailbox"])
        try:
            async with asyncio.timeout(SLOT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise refusals.Busy from None
        try:
            writer = (await self._run(self._desk.ports)).blobs.writer
            length = request.content_length
            async with uploads.received(request.content, length, of.terms.limit, writer, self._run) as (head, spools):
                return _json(200, await self._run(lambda: self._desk.take(of, head, uploads.finished(head, spools))))
        finally:
            self._slots.release()

    async def _router(self, request: web.Request) -> str:
        if "Content-Encoding" in request.headers:
            raise refusals.BadRequest("bodies are taken as they are, without Content-Encoding")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.TokenRefused
        return await self._run(lambda: self._admission.router(token.strip()))

    async def _run(self, work: Callable[[], T]) -> T:
        # Shielded: a router that hangs up must not leave a hand-over by half; it comes to its end in its thread.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))


async def _otherwise(request: web.Request) -> web.Response:
    if int(request.match_info["version"]) == forms.VERSION:
        raise refusals.NotFound("there is no such request")
    raise refusals.OtherVersion(forms.VERSION)


@web.middleware
async def _answered(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Put what is raised into an answer. No line of the log holds what a request brought."""
    try:
        return await handler(request)
    except refusals.Refusal as refusal:
        return _refused(refusal)
    except web.HTTPRequestEntityTooLarge:
        return _refused(refusals.TooLarge(f"a request has at most {LARGEST_BODY} bytes"))
    except web.HTTPException as error:
        return _refused(refusals.NotFound(f"there is no such request ({error.status})"))
    except (ClientError, ConnectionError):
        raise  # the router is gone, and so is whoever could be answered
    except MailweaveError as error:
        log.warning("a router's request is not carried out, it is to try again: %s", error)
    except Exception as error:
        log.exception("a router's request broke, it is to try again", exc_info=_bare(error))
    return _refused(refusals.StoresAway())


def _bare(error: Exception) -> tuple[type[Exception], Exception, TracebackType | None]:
    """Return an error without its words, which may quote what the request brought."""
    return type(error), Exception(type(error).__name__), error.__traceback__


def _refused(refusal: refusals.Refusal) -> web.Response:
    metrics.ROUTED.labels(refusal.code).inc()
    again = {} if refusal.again is None else {"Retry-After": str(refusal.again)}
    return _json(refusal.status, {"code": refusal.code, "message": str(refusal)}, again)


def _json(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(content).encode(), headers=headers, content_type="application/json"
    )
