"""The programs of learners in a soak with their expected answers. No two programs are the same."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.soak.strays import new_number
from executions.bounds import LONGEST_TIMEOUT_SECONDS

Answer = dict[str, Any]

PNG_IN_BASE64 = "iVBORw0KGgo"
PLOT_SHARE = 0.02
"""Few, because each costs a second of CPU time for a new container with the packages loaded."""


@dataclass(frozen=True, slots=True)
class Program:
    """A request. `mistake` returns what is wrong with its answer, or "".

    An interactive program gets one of `answers` each time it waits for input.
    """

    name: str
    body: dict[str, Any]
    mistake: Callable[[Answer], str]
    answers: tuple[str, ...] = ()


def expect(name: str, code: str, wanted: Answer, **fields: Any) -> Program:
    """Return a program whose answer must have all fields of `wanted`. A tuple allows any of its values."""

    def mistake(answer: Answer) -> str:
        for field, value in wanted.items():
            allowed = value if isinstance(value, tuple) else (value,)
            if answer[field] not in allowed:
                is_not = f"{field} is {str(answer[field])[:200]!r}, not {str(value)[:200]!r}"
                return f"{is_not}; {answer['status']}, error {answer['error'][:300]!r}"
        return ""

    return Program(name, {"code": code, **fields}, mistake)


def judged(name: str, code: str, wanted: Answer, cases: list[tuple[dict[str, Any], bool]], **fields: Any) -> Program:
    """Return a program with test cases. Each case comes with whether it must pass."""
    program = expect(name, code, wanted, test_cases=[case for case, _ in cases], **fields)

    def mistake(answer: Answer) -> str:
        verdicts = [result["passed"] for result in answer["test_results"]]
        if verdicts != [passes for _, passes in cases]:
            return f"verdicts {verdicts}: {str(answer['test_results'])[:600]}"
        return program.mistake(answer)

    return Program(name, program.body, mistake)


def honest(dice: random.Random) -> Program:
    """Return a typical program of a learner with its own number in it."""
    kinds = (
        _loop,
        _echo,
        _sorted,
        _function,
        _wrong_function,
        _stdin_tests,
        _exception,
        _syntax_error,
        _class,
        _unicode,
    )
    kind = _plot if dice.random() < PLOT_SHARE else dice.choice(kinds)
    program = kind(new_number(dice), dice)
    # The longest timeout, because the soak does not test how fast a busy machine is.
    return Program(program.name, {**program.body, "timeout": LONGEST_TIMEOUT_SECONDS}, program.mistake)


def conversation(dice: random.Random) -> Program:
    """Return a program that asks for input three times."""
    n, numbers = new_number(dice), [dice.randrange(1000) for _ in range(3)]
    code = f"total = {n}\nfor number in range(3): total += int(input(f'{{number}}? '))\nprint(total)"
    wanted = {"status": "success", "output": f"0? 1? 2? {n + sum(numbers)}\n"}
    program = expect("conversation", code, wanted, interactive=True, timeout=LONGEST_TIMEOUT_SECONDS)
    return Program(program.name, program.body, program.mistake, tuple(map(str, numbers)))


def _loop(n: int, dice: random.Random) -> Program:
    wanted = "".join(f"{n + i}\n" for i in range(50))
    return expect("loop", f"for i in range(50):\n    print({n} + i)", {"status": "success", "output": wanted})


def _echo(n: int, dice: random.Random) -> Program:
    code = "name = input('Who? ')\nprint('Hello', name)"
    return expect("echo", code, {"status": "success", "output": f"Who? Hello {n}\n"}, input_data=f"{n}\n")


def _sorted(n: int, dice: random.Random) -> Program:
    numbers = [dice.randrange(10**6) for _ in range(200)]
    code = f"numbers = {numbers}\nnumbers.sort()\nprint({n}, *numbers)"
    wanted = " ".join(map(str, [n, *sorted(numbers)])) + "\n"
    return expect("sorted", code, {"status": "success", "output": wanted})


def _function(n: int, dice: random.Random) -> Program:
    code = f"def add(a, b):\n    return a + b\n\nprint('ready {n}')"
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"input": f"add({n}, 3)", "expected_output": str(n + 3)}, True),
        ({"input": f"add({n}, 3)", "expected_output": str(n + 4)}, False),
        ({"code": f"print(add('a', '{n}'))", "expected_output": f"a{n}", "hidden": True}, True),
        ({"input": "add(0.1, 0.2)", "expected_output": "0.3", "match": "float"}, True),
        ({"input": f"add({n}, None)", "expected_output": "TypeError"}, True),
        ({"expected_output": f"ready {n}"}, True),
    ]
    return judged("function", code, {"status": "success", "output": f"ready {n}\n"}, cases)


def _wrong_function(n: int, dice: random.Random) -> Program:
    code = f"def double(x):\n    return x + {n}"
    cases = [
        ({"input": f"double({n})", "expected_output": str(2 * n)}, True),  # by chance
        ({"input": f"double({n + 1})", "expected_output": str(2 * n + 2)}, False),
    ]
    return judged("wrong function", code, {"status": "success", "output": ""}, cases)


def _stdin_tests(n: int, dice: random.Random) -> Program:
    code = "total = 0\nfor _ in range(int(input())):\n    total += int(input())\nprint(total)"
    cases = [
        ({"stdin": f"2\n{n}\n1\n", "expected_output": str(n + 1)}, True),
        ({"stdin": f"1\n{n}\n", "expected_output": str(n + 1)}, False),
        ({"stdin": "x\n", "expected_output": "ValueError"}, True),
    ]
    wanted = {"status": "success", "output": f"{n}\n"}
    return judged("stdin tests", code, wanted, cases, input_data=f"1\n{n}\n")


def _exception(n: int, dice: random.Random) -> Program:
    trace = (
        'Traceback (most recent call last):\n  File "main.py", line 2, in <module>\n'
        f"    raise ValueError({n})\nValueError: {n}\n"
    )
    code = f"print({n})\nraise ValueError({n})"
    return expect("exception", code, {"status": "error", "exit_code": 1, "output": f"{n}\n", "error": trace})


def _syntax_error(n: int, dice: random.Random) -> Program:
    code = f"x = {n}\nif x\n    print(x)"
    return expect("syntax error", code, {"status": "error", "exit_code": 1, "output": ""})


def _class(n: int, dice: random.Random) -> Program:
    code = (
        "import collections, json\nclass Account:\n    def __init__(self, balance):\n        self.balance = balance\n"
        f"    def deposit(self, amount):\n        self.balance += amount\na = Account({n})\na.deposit(5)\n"
        f"print(json.dumps(dict(collections.Counter(str({n})), balance=a.balance), sort_keys=True))"
    )
    letters = str(n)
    pairs = [*((digit, letters.count(digit)) for digit in sorted(set(letters))), ("balance", n + 5)]
    wanted = "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}\n"
    return expect("class", code, {"status": "success", "output": wanted})


def _unicode(n: int, dice: random.Random) -> Program:
    code = "größe = input()\nprint(größe, '🐍', 'مرحبا')"
    return expect("unicode", code, {"status": "success", "output": f"Füße {n} 🐍 مرحبا\n"}, input_data=f"Füße {n}\n")


def _plot(n: int, dice: random.Random) -> Program:
    code = f"import matplotlib.pyplot as plt\nplt.plot([1, {n % 9}, 3])\nplt.show()\nprint({n})"
    program = expect("plot", code, {"status": "success", "output": f"{n}\n", "images_dropped": 0})

    def mistake(answer: Answer) -> str:
        shown = [(image["width"], image["height"], image["data"][:11]) for image in answer["images"]]
        return program.mistake(answer) or ("" if shown == [(640, 480, PNG_IN_BASE64)] else f"images {shown}")

    return Program(program.name, program.body, mistake)
