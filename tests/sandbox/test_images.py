"""The images that a program shows are returned, within bounds, whatever else the program does."""

import struct
import zlib
from collections.abc import Callable

import pytest

from executions.sandbox.console import Ended, Shown
from executions.sandbox.container.received_images import ImageCollector, ImageRoom, parse_png
from executions.sandbox.results import Image, RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from guest import protocol
from tests.sandbox.conftest import Runner
from tests.sandbox.test_tests import SEARCH
from tests.sandbox.watching import Watched

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"


def png(width: int = 4, height: int = 3) -> bytes:
    """Return a PNG, all black."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    pixels = zlib.compress(b"\0" * (1 + width) * height)
    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def sizes(images: tuple[Image, ...]) -> list[tuple[int, int]]:
    assert all(parse_png(image.data) == image for image in images)
    return [(image.width, image.height) for image in images]


# What programs do


def test_open_figure_is_shown_at_the_end(science: Runner) -> None:
    run = science(PLOT + "print('done')")
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "done\n", "")
    assert (sizes(run.images), run.images_dropped) == ([(640, 480)], 0)


def test_figures_are_shown_in_order_and_once(science: Runner) -> None:
    """Shown and then closed, as a window is; shown without waiting, and so left open; not shown."""
    run = science(
        "import matplotlib.pyplot as plt\n"
        "def figure(width): plt.figure(figsize=(width, 1)); plt.plot([1, 2])\n"
        "figure(1)\nplt.show()\n"
        "figure(2)\nplt.show(block=False)\nplt.pause(0.01)\n"
        "figure(3)\nplt.gcf().show()\n"
        "print(plt.get_fignums())\n"
        "figure(4)\nplt.close()\n",
        timeout_seconds=20,
    )
    assert (run.stdout, run.stderr) == ("[1, 2]\n", "")
    assert sizes(run.images) == [(100, 100), (200, 100), (300, 100)]


def test_figures_are_shown_when_the_program_then_fails(science: Runner) -> None:
    run = science(PLOT + "plt.show()\nplt.plot([1])\n1 / 0")
    assert (run.status, run.exit_code) == (RunStatus.ERROR, 1)
    assert run.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert sizes(run.images) == [(640, 480)] * 2


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("while True: pass", RunStatus.TIMEOUT),
        ("while True: print('x' * 1000)", RunStatus.OUTPUT_LIMIT),
        ("data = bytearray(200_000_000)", RunStatus.MEMORY_LIMIT),
        ("import os\nos._exit(3)", RunStatus.ERROR),
    ],
)
def test_shown_figures_are_kept_when_the_program_is_killed(science: Runner, end: str, status: RunStatus) -> None:
    run = science(PLOT + "plt.show()\nprint('shown')\nplt.plot([1])\n" + end)
    assert run.status is status
    assert run.stdout.startswith("shown\n")
    assert (sizes(run.images), run.images_dropped) == ([(640, 480)], 0)


def test_another_matplotlib_backend_changes_nothing(science: Runner) -> None:
    run = science("import matplotlib\nmatplotlib.use('Agg')\n" + PLOT + "plt.show()")
    assert (sizes(run.images), run.stderr) == ([(640, 480)], "")


def test_pillow_images_are_shown(science: Runner) -> None:
    run = science(
        "from PIL import Image\nfor mode in ('RGB', '1', 'CMYK', 'RGBA'):\n"
        "    Image.new(mode, (20, 10)).show(title='mine')"
    )
    assert (sizes(run.images), run.stderr) == ([(20, 10)] * 4, "")


@pytest.mark.parametrize(("show", "status"), [("", RunStatus.SUCCESS), ("plt.show()", RunStatus.ERROR)])
def test_figure_that_cannot_be_drawn_is_reported_once_and_the_next_is_shown(
    science: Runner, show: str, status: RunStatus
) -> None:
    run = science(PLOT + "plt.title('$\\\\nonsense$')\nplt.figure(figsize=(2, 1))\n" + show)
    assert run.status is status
    assert run.stderr.count("ValueError: ") == run.stderr.count("ParseFatalException: ") == 1
    assert (sizes(run.images), run.images_dropped) == ([(200, 100)], 0)


DRAW = "import matplotlib.pyplot as plt\ndef draw(width):\n    plt.figure(figsize=(width, 1))\n    plt.plot([1, 2])\n"


@pytest.mark.parametrize(
    "test",
    [
        TestProgram(input="draw(2)"),
        TestProgram(code="draw(2)\nplt.show()"),
        TestProgram(code="draw(2)\n1 / 0"),
        TestProgram(code="import sys\ndraw(2)\nsys.exit()"),
    ],
)
def test_test_shows_the_figures_of_its_own_part(science: Runner, test: TestProgram) -> None:
    """Figures of the submission are shown in its own run only, so that they take time only once."""
    outcome = science.tests(DRAW + "draw(3)\nplt.show()\ndraw(4)", test, timeout_seconds=20)
    assert [sizes(run.images) for run in outcome.runs] == [[(300, 100), (400, 100)], [(200, 100)]]
    assert [run.images_dropped for run in outcome.runs] == [0, 0]


def test_test_shows_an_open_figure_that_it_draws_on(science: Runner) -> None:
    tests = [TestProgram(code="plt.plot([2, 1])"), TestProgram(code="print(len(plt.gca().lines))")]
    outcome = science.tests(DRAW + "draw(3)\ndraw(4)", *tests, timeout_seconds=20)
    assert [sizes(run.images) for run in outcome.runs] == [[(300, 100), (400, 100)], [(400, 100)], []]
    assert outcome.tests[1].stdout == "1\n"


def test_program_under_test_shows_images_that_depend_on_its_input(science: Runner) -> None:
    tests = [TestProgram(input="2"), TestProgram(stdin="3"), TestProgram(stdin="4", hidden=True)]
    outcome = science.tests(DRAW + "draw(int(input()))", *tests, stdin="1", timeout_seconds=20)
    assert [sizes(run.images) for run in outcome.runs] == [[(100, 100)], [(200, 100)], [(300, 100)], []]
    assert [run.images_dropped for run in outcome.runs] == [0] * 4


def test_test_passes_although_a_figure_cannot_be_drawn(science: Runner) -> None:
    code = PLOT + "plt.title('$\\\\nonsense$')\ndef double(n): return 2 * n"
    [test] = science.tests(code, TestProgram(input="double(4)")).tests
    assert (test.status, test.stdout, test.stderr, test.images) == (RunStatus.SUCCESS, "8\n", "", ())


def test_console_gets_the_images_of_shown_tests(science_sandbox: Sandbox) -> None:
    tests = [TestProgram(code="draw(2)\nprint('drawn')"), TestProgram(code="draw(3)", hidden=True)]
    watched = Watched(science_sandbox, DRAW + "draw(1)", tests=tests, timeout_seconds=20, is_interactive=False)
    outcome = watched.finish()
    shown = [event.image.width if isinstance(event, Shown) else type(event) for event in watched.events[1:]]
    assert shown == [100, Ended, 200, Ended, Ended], outcome


def test_five_images_are_kept_and_the_rest_counted(science: Runner) -> None:
    show = "from PIL import Image\nfor n in range({}): Image.new('L', (n + 1, 1)).show()"
    for count, dropped in ((5, 0), (6, 1), (150, 95)):
        run = science(show.format(count))
        assert (run.status, run.stderr) == (RunStatus.SUCCESS, "")
        assert (sizes(run.images), run.images_dropped) == ([(n, 1) for n in range(1, 6)], dropped)


def test_five_images_are_kept_of_all_runs_together(science: Runner) -> None:
    show = "from PIL import Image\ndef show(count):\n    for n in range(count): Image.new('L', (n + 1, 1)).show()\n"
    tests = [TestProgram(code=f"show({count})", hidden=count == 9) for count in (1, 2, 3, 9)]
    outcome = science.tests(show + "show(3)", *tests)
    assert [sizes(run.images) for run in outcome.runs] == [[(1, 1), (2, 1), (3, 1)], [(1, 1)], [(1, 1)], [], []]
    assert [run.images_dropped for run in outcome.runs] == [0, 0, 1, 3, 0]


# What hostile programs do with the directory and the files; they need no package

PUT = f"""
import os
os.mkdir("{protocol.IMAGE_DIRECTORY}")
def put(number, data):
    with open("/tmp/draft", "wb") as file: file.write(data)
    os.rename("/tmp/draft", "{protocol.IMAGE_DIRECTORY}/" + str(number))
good = {png()!r}
"""


def test_program_may_show_any_png(run: Runner) -> None:
    result = run(PUT + "put(0, good)")
    assert result.images == (Image(png(), 4, 3),)


@pytest.mark.parametrize(
    "obstacle",
    [
        "put(0, b'')",
        "put(0, b'GIF89a' + good)",
        "put(0, good[:-1])",
        "put(0, good.replace(b'IHDR', b'IDAT'))",
        "open('/tmp/own', 'wb').write(good); os.symlink('/tmp/own', '/tmp/.shown/0')",
        "os.symlink('/proc/1/status', '/tmp/.shown/0')",
        "os.mkfifo('/tmp/.shown/0')",
        "os.mkdir('/tmp/.shown/0')",
        "open('/tmp/own', 'wb').write(good); os.chmod('/tmp/own', 0); os.rename('/tmp/own', '/tmp/.shown/0')",
        "os.truncate(os.open('/tmp/.shown/0', os.O_CREAT | os.O_RDWR), 16_000_000)",
        "import socket; socket.socket(socket.AF_UNIX).bind('/tmp/.shown/0')",
    ],
)
def test_invalid_image_is_dropped_and_the_next_is_shown(run: Runner, obstacle: str) -> None:
    result = run(f"{PUT}{obstacle}\nput(1, good)\nprint('done')")
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, "done\n", "")
    assert (result.images, result.images_dropped) == ((Image(png(), 4, 3),), 1)


@pytest.mark.parametrize(
    "directory",
    [
        "os.symlink('/tmp/other', '/tmp/.shown')",
        "os.symlink('/proc/1/fdinfo', '/tmp/.shown')",
        "os.mkfifo('/tmp/.shown')",
        "open('/tmp/.shown', 'w')",
        "os.chmod('/tmp/other', 0); os.rename('/tmp/other', '/tmp/.shown')",
    ],
)
def test_invalid_image_directory_shows_nothing(run: Runner, directory: str) -> None:
    prepare = "os.rename('/tmp/.shown', '/tmp/other')\nopen('/tmp/other/0', 'wb').write(good)\n"
    result = run(f"{PUT}{prepare}{directory}\nprint('done')", timeout_seconds=5)
    assert (result.status, result.stdout, result.images) == (RunStatus.SUCCESS, "done\n", ())


def test_bytes_of_all_images_together_are_bounded(run: Runner) -> None:
    room = protocol.IMAGE_BYTES - len(png())
    result = run(
        PUT + f"import zlib\nextra = {room} - len(good) - 12\n"
        "data = b'teSt' + b'x' * extra\n"
        "large = good[:-12] + extra.to_bytes(4, 'big') + data + zlib.crc32(data).to_bytes(4, 'big') + good[-12:]\n"
        f"assert len(large) == {room}, len(large)\n"
        "put(0, large)\nput(1, good + b'x')\nput(2, good)\nput(3, good)\n"
    )
    assert (result.status, result.stderr) == (RunStatus.SUCCESS, "")
    assert ([len(image.data) for image in result.images], result.images_dropped) == ([room, len(png())], 2)


def test_images_of_a_hidden_test_are_not_kept(run: Runner) -> None:
    tests = [TestProgram(code="put(0, good)", hidden=hidden) for hidden in (False, True)]
    shown, hidden = run.tests(PUT, *tests).tests
    assert (shown.images, shown.images_dropped) == ((Image(png(), 4, 3),), 0)
    assert (hidden.status, hidden.images, hidden.images_dropped) == (RunStatus.SUCCESS, (), 0)


def test_endless_images_are_bounded(run: Runner) -> None:
    result = run(
        PUT
        + "while True:\n    for n in range(200): put(n, good)\n    for n in range(200): os.unlink(f'/tmp/.shown/{n}')",
        timeout_seconds=2,
    )
    assert (result.status, len(result.images)) == (RunStatus.TIMEOUT, protocol.IMAGES)
    assert result.images_dropped <= protocol.COUNTED_IMAGES - protocol.IMAGES


def test_image_leaves_nothing_in_memory_for_the_next_run(run: Runner) -> None:
    """It has passed through the supervisor, from whose memory the next run is forked."""
    search = "print(find('C A N A R Y C A N A R Y') > 0)"
    show = SEARCH + PUT + "import sys\nput(0, sys.stdin.buffer.read())\n" + search
    outcome = run.tests(show, TestProgram(code=search, stdin=""), stdin="CANARY" * 20_000)
    assert (outcome.main.stdout, outcome.main.images_dropped) == ("True\n", 1)
    assert outcome.tests[0].stdout == "False\n", outcome.tests


# How the host reads images


@pytest.mark.parametrize(
    ("data", "is_image"),
    [
        (png(), True),
        (png(1, 1), True),
        (png(4096, 1), True),
        (png()[:-1], False),
        (png()[1:], False),
        (b"", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (png().replace(struct.pack("!II", 4, 3), struct.pack("!II", 0, 3)), False),
        (png().replace(struct.pack("!II", 4, 3), struct.pack("!II", 8192, 4096)), True),
        (png().replace(struct.pack("!II", 4, 3), struct.pack("!II", 8192, 4097)), False),
        (png().replace(struct.pack("!II", 4, 3), struct.pack("!II", 2**32 - 1, 2**32 - 1)), False),
    ],
)
def test_png_is_recognised_by_its_start_and_end(data: bytes, is_image: bool) -> None:
    assert (parse_png(data) is not None) is is_image


def collecting(*bodies: bytes, room: ImageRoom | None = None, keeps: bool = True) -> Callable[[], ImageCollector]:
    def collect() -> ImageCollector:
        collector = ImageCollector(room or ImageRoom(), keeps)
        for body in bodies:
            collector.add(body)
        return collector

    return collect


def test_pieces_of_an_image_are_joined() -> None:
    data = png()
    collector = collecting(protocol.GOES_ON + data[:20], protocol.ENDS + data[20:])()
    assert collector.images == [Image(data, 4, 3)]


def test_unfinished_image_is_not_part_of_the_next() -> None:
    collector = collecting(protocol.GOES_ON + b"half", protocol.IMAGE_DROPPED, protocol.ENDS + png())()
    assert (collector.images, collector.dropped) == ([Image(png(), 4, 3)], 1)


def test_image_bounds_apply_to_all_runs_together() -> None:
    """The supervisor counts each run separately, so the host must count all runs together."""
    room = ImageRoom()
    room.bytes = 3 * len(png()) - 1
    small, large = protocol.ENDS + png(), protocol.ENDS + png()[:-12] + b"x" + png()[-12:]
    first = collecting(small, room=room)()
    hidden = collecting(small, small, room=room, keeps=False)()
    second = collecting(large, small, small, large, room=room)()
    assert [(len(each.images), each.dropped) for each in (first, hidden, second)] == [(1, 0), (0, 0), (1, 3)]
    assert [each.wanted for each in (first, hidden, second)] == [3, 0, 3]


@pytest.mark.parametrize(
    "bodies",
    [
        (b"",),
        (b"\x03",),
        (protocol.IMAGE_DROPPED,) * (protocol.COUNTED_IMAGES + 1),
        (protocol.GOES_ON + b"x" * 60_000,) * 14,
    ],
)
def test_malformed_or_too_many_images_break_the_protocol(bodies: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="image"):
        collecting(*bodies)()
