"""What a container is asked to run: a program, a test case, or a question about inputs or the program."""

from dataclasses import dataclass

from executions.sandbox.results import File, TestProgram
from guest import protocol


@dataclass(frozen=True, slots=True)
class Task:
    """One run, as the protocol describes it: `kind` is a kind of task, `part` the test's own part."""

    kind: int
    code: str
    stdin: str = ""
    part: str = ""
    is_hidden: bool = False
    files: tuple[File, ...] = ()
    collect: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        code: str,
        stdin: str,
        test: TestProgram | None,
        files: tuple[File, ...] = (),
        collect: tuple[str, ...] = (),
        is_watched: bool = False,
    ) -> "Task":
        """Return the task to run `code` with `files`, or under `test` where given, with its files.

        If the program `is_watched`, its turtles' strokes come as it draws them. Nothing is collected from a test, so
        that none of its files can come back, hidden or not.
        """
        if test is None:
            kind = protocol.WATCHED if is_watched else protocol.PROGRAM
            return cls(kind, code, stdin, files=files, collect=collect)
        own = stdin if test.stdin is None else test.stdin
        others = (test.hidden, test.files)
        if test.unittest:
            return cls(protocol.TEST_UNITTEST, code, own, test.unittest, *others)
        if test.doctest:
            return cls(protocol.TEST_DOCTEST, code, own, "", *others)
        if test.code:
            return cls(protocol.TEST_CODE, code, own, test.code, *others)
        if test.is_by_value:
            return cls(protocol.TEST_VALUE, code, own, test.input, *others)
        if test.is_call:
            return cls(protocol.TEST_CALL, code, own, test.input, *others)
        is_input = test.stdin is None and test.input
        return cls(protocol.TEST_STDIN, code, test.input if is_input else own, "", *others)

    @classmethod
    def traced(cls, code: str, stdin: str, files: tuple[File, ...]) -> "Task":
        """Return the task to run `code` step by step."""
        return cls(protocol.TRACED, code, stdin, files=files)

    @classmethod
    def question(cls, texts: list[str]) -> "Task":
        """Return the task to say which of `texts` are calls."""
        return cls(protocol.FIND_CALLS, "\0".join(texts))

    @classmethod
    def search(cls, code: str, words: list[str]) -> "Task":
        """Return the task to say where `code` uses `words`."""
        return cls(protocol.FIND_USES, code, "\n".join(words))

    @property
    def is_program(self) -> bool:
        """Whether this is the program's own run."""
        return self.kind in protocol.PROGRAMS

    @property
    def shows_images(self) -> bool:
        """Whether the learner gets its images. Those of a trace were those of the program's own run."""
        return not self.is_hidden and self.kind != protocol.TRACED

    @property
    def is_suite(self) -> bool:
        """Whether its process reports on methods."""
        return self.kind in protocol.SUITES

    def request(self, timeout_seconds: float, most_images: int, is_interactive: bool) -> bytes:
        """Return what is sent at the start. The test's own part is not in it."""
        feed = (protocol.pack_task(self.kind, self.code, most_images, self.files), self.stdin.encode())
        feed_bytes = sum(map(len, feed))
        return b"".join(
            (protocol.pack_run(timeout_seconds, feed_bytes, self.kind, is_interactive, self.collect), *feed)
        )

    def part_frame(self) -> bytes:
        """Return what is sent where the test begins; nothing if it has no part of its own."""
        if self.kind not in protocol.KINDS_WITH_PART:
            return b""
        return protocol.pack_frame(protocol.TEST_PART, self.part.encode())
