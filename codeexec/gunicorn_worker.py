"""gunicorn's threaded worker, in which a thread gets a request when it has arrived, and waits for no client."""

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from codeexec.client import Client, State
from codeexec.crowd import Crowd
from codeexec.hurried_socket import INCOMPLETE, HurriedSocket
from codeexec.malformed import refuse
from web.connection import NO_ROOM, ending

LINGER_SECONDS = 2
"""How long a client may take to close after its last response. If we closed first, while it still sends, its system
would discard the response."""

LOOK_SECONDS = 0.25
"""How often to look for clients that are late."""
FULL_PAUSE_SECONDS = 0.1
"""Between attempts to accept a client when there are no file descriptors left."""
HEALTH_THREADS = 2
"""For /health alone, so that it answers while all others are taken."""


class BoundedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Keeps clients that are slow to send, read or close from occupying threads, and bounds what they occupy.

    Everything but handle(), and what that calls, runs in the thread of the worker's loop, which waits for no client.
    """

    socket_class = HurriedSocket

    def init_process(self) -> None:
        """Start serving."""
        self.crowd: Crowd[Client] = Crowd(self.worker_connections - 1)
        self.health_pool = ThreadPoolExecutor(HEALTH_THREADS)
        self.health_lines: dict[str | None, deque[Callable[[], None]]] = {}
        self.next_look = 0.0
        super().init_process()

    def run(self) -> None:
        """Serve until the end."""
        super().run()
        self.health_pool.shutdown(wait=False)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Start shutting down."""
        ending.set()
        super().handle_exit(sig, frame)

    def accept(self, listener: Any) -> None:
        """Accept a client. If no descriptor is left, it stays in the kernel's queue; gunicorn would end the process."""
        try:
            accepted, peer = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED):
                return
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            self.log.error("cannot accept a client yet: %s", error)
            self.murder_keepalived(force=True)
            time.sleep(FULL_PAUSE_SECONDS)
            return
        client = Client(self.cfg, self.socket_class(accepted.detach()), peer, listener.getsockname())
        client.sock.on_unsent = partial(self.method_queue.defer, self._note_unsent, client)
        self.nr_conns += 1
        self._wait_for_request(client)
        self._thin_out(client)

    # Waiting for clients

    def _wait(self, client: Client, state: State, seconds: float) -> None:
        """Wait for the client, behind the others."""
        client.state = state
        client.timeout = time.monotonic() + seconds
        self.crowd.add(client)
        self._watch(client)

    def _wait_for_request(self, client: Client) -> None:
        self._wait(client, State.REQUEST, self.cfg.keepalive if self.alive else LINGER_SECONDS)
        if client.arrival:  # it came with the one before
            client.timeout = time.monotonic() + client.sock.stalled_seconds
            self._consider(client)

    def _watch(self, client: Client) -> None:
        """Have the loop call _on_ready() when the client has done what we wait for."""
        if client.state in (State.REQUEST, State.CLOSE):
            events = selectors.EVENT_READ
        else:
            events = selectors.EVENT_WRITE if client.sock.is_unsent and client.state is not State.GONE else 0
        if events and client.watched:
            self.poller.modify(client.sock, events, partial(self._on_ready, client))
        elif events:
            self.poller.register(client.sock, events, partial(self._on_ready, client))
        elif client.watched:
            self.poller.unregister(client.sock)
        client.watched = events

    def _on_ready(self, client: Client, _: object) -> None:
        if not client.watched:  # closed since the loop was woken
            return
        try:
            if client.state is State.REQUEST:
                self._receive(client)
            elif client.state is State.CLOSE:
                if not client.sock.receive():
                    self._close(client)
            else:
                client.sock.send_rest()
                self._note_unsent(client)
        except BlockingIOError:
            pass
        except OSError:
            self._give_up(client)

    def _receive(self, client: Client) -> None:
        data = client.sock.receive()
        if not data:
            return self._serve(client) if client.arrival.has_head else self._close(client)
        if not client.arrival:
            client.timeout = time.monotonic() + client.sock.stalled_seconds
        client.arrival.add(data)
        client.timeout += len(data) / client.sock.slowest_bytes_a_second
        self._consider(client)

    def _consider(self, client: Client) -> None:
        """Give a request to a thread if it has arrived."""
        arrival = client.arrival
        if arrival.has_head:
            self.crowd.move(client, arrival.address(client.client[0]))
        if arrival.is_complete:
            return self._serve(client)
        if arrival.waits_for_continue:
            client.sock.send_now(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.crowd.weigh(client)
        self._thin_out(client)

    def _thin_out(self, newest: Client) -> None:
        """Close connections beyond the limits."""
        if surplus := self.crowd.one_too_many(newest):
            self._give_up(surplus)
        while large := self.crowd.one_too_large():
            if large.state is State.REQUEST:
                self._serve(large, NO_ROOM)
            else:
                self._give_up(large)

    # Serving

    def _serve(self, client: Client, error: tuple[int, str] = INCOMPLETE) -> None:
        """Give a thread a request, or the head of one that is incomplete, with the error for the rest."""
        pool = self.health_pool if client.arrival.is_for_health else self.tpool
        handle = self.handle if client.arrival.has_head else self.refuse_head
        weight = client.arrival.weight  # before it is taken
        request = client.arrival.take()
        client.given_bytes = len(request) * weight
        client.sock.give(request, error)
        client.state = State.THREAD
        self._watch(client)
        self.crowd.weigh(client)
        start = partial(self._start, pool, handle, client)
        if pool is self.health_pool:
            line = self.health_lines.setdefault(client.address, deque())
            line.append(start)
            if len(line) > 1:  # an address has one health check at a time: its others wait behind that
                return
        start()

    def _start(self, pool: ThreadPoolExecutor, handle: Callable[[Client], bool], client: Client) -> None:
        def finish(done: "Future[Any]") -> None:
            self.method_queue.defer(self.finish_request, client, done)
            if pool is self.health_pool:
                self.method_queue.defer(self._start_next_check, client.address)

        # In a context of its own: no line of the log may have the IDs of an earlier request of the same thread.
        pool.submit(copy_context().run, handle, client).add_done_callback(finish)

    def _start_next_check(self, address: str | None) -> None:
        """Continue with the health checks of an address, of which the first has its answer."""
        line = self.health_lines[address]
        line.popleft()
        if line:
            line[0]()
        else:
            del self.health_lines[address]

    def handle_request(self, request: Any, client: Client) -> bool:
        """Answer a request. If we do not have all of its body, tell the client that we then close the connection."""
        request.must_close |= not client.has_body_of(request)
        return bool(super().handle_request(request, client))

    def _keepalive_after(self, client: Client, is_kept: bool) -> bool:
        """Return whether the connection is kept. What the view has not read of the body is here: forget it."""
        return is_kept and bool(client.parser.finish_body())

    def refuse_head(self, client: Client) -> bool:
        """Refuse a request whose head is too long to wait for its end."""
        client.sock.sendall(refuse(LimitRequestHeaders("too long")))
        return False

    def handle_error(self, request: Any, sock: HurriedSocket, address: tuple[Any, ...], error: Exception) -> None:
        """Answer a request that gunicorn cannot parse, or that failed outside of Django."""
        sock.sendall(refuse(error))

    def finish_request(self, client: Client, done: "Future[Any]") -> None:
        """Continue with a connection whose thread is done."""
        is_over = done.cancelled() or done.exception() or not done.result()
        client.is_kept = not is_over and not client.parser.unreader.buf.getvalue()
        client.sock.give(b"")
        client.given_bytes = 0
        client.state = State.READING
        self._note_unsent(client)

    def _note_unsent(self, client: Client) -> None:
        """Watch for the client to read the response. Continue when it has read all of it."""
        if client.state is State.READING and not client.sock.is_unsent:
            return self._wait_for_request(client) if client.is_kept else self._linger(client)
        if client.state in (State.READING, State.THREAD):
            self._watch(client)
            self.crowd.weigh(client)
            self._thin_out(client)

    # Parting

    def _linger(self, client: Client) -> None:
        try:
            client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return self._close(client)
        self._wait(client, State.CLOSE, LINGER_SECONDS)

    def _give_up(self, client: Client) -> None:
        """Drop a client at once. A thread that works for it notices when it sends."""
        if client.state is State.THREAD:
            client.sock.abort()
            self._watch(client)
            self.crowd.weigh(client)
        else:
            self._close(client)

    def _close(self, client: Client) -> None:
        client.state = State.GONE
        self._watch(client)
        self.crowd.remove(client)
        self.nr_conns -= 1
        client.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """Drop clients that are late; if `force`, from all that have had a response. gunicorn calls this often."""
        now = time.monotonic()
        if now < self.next_look and not force:
            return
        self.next_look = now + LOOK_SECONDS
        for client in self.crowd:
            if client.state is State.REQUEST:
                is_late = now > client.timeout or (force and client.is_kept and not client.arrival)
                if is_late and client.arrival.has_head:
                    self._serve(client)
                elif is_late:
                    self._close(client)
            elif now > client.sock.due or (client.state is State.CLOSE and now > client.timeout):
                self._give_up(client)

    def _cap_keepalive(self, deadline: float) -> None:
        """Part soon from clients that have sent nothing: the worker is stopping."""
        for client in self.crowd:
            if client.state is State.REQUEST and not client.arrival:
                client.timeout = min(client.timeout, deadline)
