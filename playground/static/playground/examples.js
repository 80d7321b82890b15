"use strict";

const EXAMPLES = [
  {
    name: "Hello",
    code: `import time

for word in ["Hello", "from", "a", "container", "of", "your", "own"]:
    print(word, end=" ", flush=True)
    time.sleep(0.3)
print("🐍")`,
  },
  {
    name: "Guessing game",
    code: `import random

secret = random.randint(1, 10)
name = input("What is your name? ")
print(f"{name}, I'm thinking of a number from 1 to 10.")

while True:
    guess = int(input("Your guess: "))
    if guess < secret:
        print("Higher!")
    elif guess > secret:
        print("Lower!")
    else:
        print("That's it!")
        break`,
  },
  {
    name: "Exercise",
    code: `# Return the longest word in a text. One of the tests
# fails: can you see why?

def longest(text):
    words = text.split(" ")
    return max(words, key=len)`,
    tests: [
      { input: 'longest("Python is fun")', expected: "Python" },
      { input: 'longest("a bc def")', expected: "def" },
      { input: 'longest("well done, everybody!")', expected: "everybody" },
    ],
  },
  {
    name: "Grading",
    code: `# Tests with points and with a teacher's words, and a file
# beside the program: see Tests and Files below. All of it
# for your own page: View, Request as JSON.

import csv

def total(name):
    points = 0
    with open(name) as file:
        for row in csv.DictReader(file):
            points += int(row["points"])
    return points

with open("report.txt", "w") as report:
    print("Together:", total("scores.csv"), file=report)`,
    tests: [
      { input: 'total("scores.csv")', expected: "17", group: "total", points: 2, match: "returns" },
      {
        input: 'total("scores.csv")', expected: "0", group: "total", points: 1, match: "returns",
        on_pass: "It works without a single row, too.", on_fail: "What if there is no row?", hidden: true,
        files: [{ name: "scores.csv", text: "name,points\n" }],
      },
      {
        input: "", expected: "", uses: ["for"], avoids: ["sum"], points: 0.5,
        on_fail: "Add them up in a loop of your own.",
      },
    ],
    files: [{ name: "scores.csv", text: "name,points\nAda,9\nGrace,8\n" }],
    collect: ["report.txt"],
  },
  {
    name: "Plot",
    code: `import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(0, 4 * np.pi, 400)
for damping in (0.05, 0.15, 0.3):
    y = np.exp(-damping * x) * np.cos(x)
    plt.plot(x, y, label=f"damping {damping}")
    print(f"damping {damping}: {y[-1]:.0%} left")

plt.title("A pendulum comes to rest")
plt.xlabel("time")
plt.legend()
plt.show()`,
  },
  {
    name: "Mistake",
    code: `def average(numbers):
    total = 0
    for number in numbers:
        total += number
    return total / len(numbrs)

print("The average is", average([3, 5, 10]))`,
  },
];
