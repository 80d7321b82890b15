"""Exercises in the manner of Exercism: a suite that imports from the learner's program, a solution and a stub."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exercise:
    """`tests` are the names of the suite's methods."""

    suite: str
    tests: tuple[str, ...]
    solution: str
    stub: str


LEAP = Exercise(
    """import unittest

from main import (
    leap_year,
)


class LeapTest(unittest.TestCase):
    def test_year_not_divisible_by_4_in_common_year(self):
        self.assertIs(leap_year(2015), False)

    def test_year_divisible_by_4_not_divisible_by_100_in_leap_year(self):
        self.assertIs(leap_year(1996), True)

    def test_year_divisible_by_100_not_divisible_by_400_in_common_year(self):
        self.assertIs(leap_year(2100), False)


if __name__ == "__main__":
    unittest.main()
""",
    (
        "LeapTest.test_year_divisible_by_100_not_divisible_by_400_in_common_year",
        "LeapTest.test_year_divisible_by_4_not_divisible_by_100_in_leap_year",
        "LeapTest.test_year_not_divisible_by_4_in_common_year",
    ),
    "def leap_year(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n",
    "def leap_year(year):\n    pass\n",
)

GRAINS = Exercise(
    """import unittest

from main import square, total


class GrainsTest(unittest.TestCase):
    def test_grains_on_square_64(self):
        self.assertEqual(square(64), 9223372036854775808)

    def test_square_0_is_invalid(self):
        with self.assertRaises(ValueError) as err:
            square(0)
        self.assertEqual(type(err.exception), ValueError)
        self.assertEqual(err.exception.args[0], "square must be between 1 and 64")

    def test_returns_the_total_number_of_grains_on_the_board(self):
        self.assertEqual(total(), 18446744073709551615)
""",
    (
        "GrainsTest.test_grains_on_square_64",
        "GrainsTest.test_returns_the_total_number_of_grains_on_the_board",
        "GrainsTest.test_square_0_is_invalid",
    ),
    """def square(number):
    if not 1 <= number <= 64:
        raise ValueError("square must be between 1 and 64")
    return 2 ** (number - 1)

def total():
    return 2**64 - 1
""",
    "def square(number):\n    pass\n\ndef total():\n    pass\n",
)

CLOCK = Exercise(
    """import unittest

from main import Clock


class ClockTest(unittest.TestCase):
    def setUp(self):
        self.eight = Clock(8, 0)

    def test_on_the_hour(self):
        self.assertEqual(str(self.eight), "08:00")

    def test_add_minutes(self):
        self.assertEqual(self.eight + 65, Clock(9, 5))

    def test_negative_minutes_roll_over(self):
        for minutes, shown in ((-1, "07:59"), (-481, "23:59")):
            with self.subTest(f"{minutes} minutes", minutes=minutes):
                self.assertEqual(str(self.eight + minutes), shown)
""",
    ("ClockTest.test_add_minutes", "ClockTest.test_negative_minutes_roll_over", "ClockTest.test_on_the_hour"),
    """class Clock:
    def __init__(self, hour, minute):
        self.minutes = (60 * hour + minute) % 1440

    def __eq__(self, other):
        return self.minutes == other.minutes

    def __str__(self):
        return f"{self.minutes // 60:02}:{self.minutes % 60:02}"

    def __add__(self, minutes):
        return Clock(0, self.minutes + minutes)
""",
    "class Clock:\n    def __init__(self, hour, minute):\n        pass\n",
)

GREETER = Exercise(
    """import io
import unittest
from unittest.mock import patch

import main


class TestGreeter(unittest.TestCase):
    @patch("builtins.input", side_effect=["Ada", "36"])
    @patch("sys.stdout", new_callable=io.StringIO)
    def test_asks_and_greets(self, stdout, _):
        main.greet()
        self.assertEqual(stdout.getvalue(), "Hello, Ada! Next year you will be 37.\\n")

    @unittest.skip("for the second lesson")
    def test_later(self):
        self.fail()


class TestAverage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ages = [36, 41]

    def test_average_is_close(self):
        self.assertAlmostEqual(main.average(self.ages), 38.5, msg="add up the ages and divide by how many there are")
""",
    ("TestGreeter.test_asks_and_greets", "TestAverage.test_average_is_close"),
    """def greet():
    name = input("Name? ")
    age = int(input("Age? "))
    print(f"Hello, {name}! Next year you will be {age + 1}.")

def average(numbers):
    return sum(numbers) / len(numbers)
""",
    "def greet():\n    pass\n\ndef average(numbers):\n    pass\n",
)

EXERCISES = {"leap": LEAP, "grains": GRAINS, "clock": CLOCK, "greeter": GREETER}
