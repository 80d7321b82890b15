"""The ratios of a run, and their bounds, which CONTRIBUTING.md lists."""

from dataclasses import dataclass
from statistics import median

from benchmarks import crowd, pace
from benchmarks.results import Results

PRESSURE, NEVER = "pressure", "never"
"""The two services, by their SANDBOX_REUSE."""

PER_BARE = "p50 of /execute / bare python3"
PER_CONTAINER = "p50 of /execute / a new container"
IMPORTS = "imports: p50 of /execute / a cold container"
TESTED = "ten tests: the time that they add / their programs' running time"
SUSTAINED = "sustained, 8 clients: /execute / bare python3"
REUSED = "sustained, 8 clients: reuse pressure / never"

BUSY = 8
SEVERAL = 4


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio, with the least or the most that it may be."""

    name: str
    value: float
    bound: float
    is_most: bool

    @property
    def is_kept(self) -> bool:
        """Whether the bound is kept."""
        return self.value <= self.bound if self.is_most else self.value >= self.bound

    def __str__(self) -> str:
        bound = f"{'at most' if self.is_most else 'at least'} {self.bound:g}"
        return f"{self.name:68}{self.value:8.2f}  {bound:14}{'ok' if self.is_kept else 'MISSED'}"


def ratios_of(results: Results) -> list[Ratio]:
    """Return the ratios of a run."""
    p50 = {name: median(seconds) for name, seconds in results.latencies.items()}
    imports = {name: median(seconds) for name, seconds in results.imports.items()}
    served = results.per_second(PRESSURE, BUSY)
    bursts = [burst for burst in results.bursts if burst.way == PRESSURE]
    answered = sum(len(burst.seconds) for burst in bursts) / sum(burst.count for burst in bursts)
    samples = [kb for _, kb in results.memory]
    most = (  # upper bounds
        (PER_BARE, p50[pace.EXECUTE] / p50[pace.BARE], 1.0),
        (PER_CONTAINER, p50[pace.EXECUTE] / p50[pace.CONTAINER], 0.1),
        (IMPORTS, imports[pace.EXECUTE] / imports[pace.CONTAINER], 0.05),
        (TESTED, results.tests, 1.5),
        ("p50 with science containers waiting / without", p50[pace.EXECUTE] / p50[pace.WITHOUT_SCIENCE], 1.1),
        ("p50 with 100,000 executions on record / with none", p50[pace.FILLED] / p50[pace.WITHOUT_SCIENCE], 1.2),
        ("memory of the service: at the end / after a fifth of the executions", _flatness(samples), 1.1),
    )
    least = (
        (SUSTAINED, served / _bare(results), 0.6),
        (REUSED, served / results.per_second(NEVER, BUSY), 10.0),
        ("sustained, 4 clients: reuse never / what the engine can do", _never(results), 0.9),
        ("bursts: answered / asked", answered, 1.0),
    )
    return [*(Ratio(*each, is_most=True) for each in most), *(Ratio(*each, is_most=False) for each in least)]


def _bare(results: Results) -> float:
    return results.per_second(crowd.BARE, crowd.BARE_AT_ONCE)


def _never(results: Results) -> float:
    return results.per_second(NEVER, SEVERAL) / results.per_second(crowd.ENGINE, crowd.ENGINE_AT_ONCE)


def _flatness(samples: list[int]) -> float:
    return samples[-1] / samples[len(samples) // 5]
