"""`python -m benchmarks.runtimes`: gVisor compared with the engine's own runtime, taking turns in one run."""

import contextlib
import time
import uuid
from statistics import median, quantiles

import docker

from executions.owner import Owner
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.settings import GVISOR

PROGRAM = 'print("Hello")'
ROUNDS = 10
IDLE_SECONDS = 1.5
"""After this time a container is warm: it has loaded the modules that lessons import."""

Figures = dict[str, list[float]]


def main() -> None:
    """Measure and print."""
    runtimes: dict[str, str | None] = {"runc": None, "gVisor": GVISOR}
    measured: dict[str, Figures] = {name: {} for name in runtimes}
    with contextlib.closing(Engine()) as engine, contextlib.closing(docker.APIClient()) as client:
        for number in range(ROUNDS + 1):
            for name, runtime in runtimes.items():
                figures = measure(engine, client, runtime)
                for what, value in figures.items():
                    if number:  # the first round warms caches
                        measured[name].setdefault(what, []).append(value)
    print(f"{'p50 (p95)':28}" + "".join(f"{name:>22}" for name in runtimes) + f"{'ratio':>8}")
    for what in measured["runc"]:
        columns = [measured[name][what] for name in runtimes]
        cells = "".join(f"{f'{median(values):.1f} ({quantiles(values, n=20)[-1]:.1f})':>22}" for values in columns)
        print(f"{what:28}{cells}{median(columns[1]) / median(columns[0]):8.1f}")


def measure(engine: Engine, client: docker.APIClient, runtime: str | None) -> dict[str, float]:
    """Start a container, let it warm up, and run the program in it twice."""
    options = container_options(engine.image_id(image_name()), str(Owner.of_this_process()), runtime)
    started = time.perf_counter()
    name = f"{NAME_PREFIX}{uuid.uuid4()}"
    with contextlib.closing(Container.launch(engine, name, options, lambda _: Cause.OTHER)) as container:
        ready = time.perf_counter()
        time.sleep(IDLE_SECONDS)
        memory = client.stats(container.id, stream=False)["memory_stats"]["usage"]
        seconds = []
        for _ in range(2):
            begun = time.perf_counter()
            assert container.run(PROGRAM, "", None, 10).stdout == "Hello\n"
            seconds.append(time.perf_counter() - begun)
    return {
        "start of a container, ms": (ready - started) * 1000,
        "print('Hello'), warm, ms": seconds[0] * 1000,
        "the same again, ms": seconds[1] * 1000,
        "memory of a warm one, MiB": memory / 1024**2,
    }


if __name__ == "__main__":
    main()
