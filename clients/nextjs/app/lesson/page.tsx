import { Lesson } from "@/components/Lesson";

const TESTS = [
  { input: "double(4)", expected_output: "8" },
  { input: "double(-1)", expected_output: "-2", hidden: true },
];

export default function Page() {
  return (
    <main>
      <h1>Double it</h1>
      <Lesson exercise="double-1" program={"def double(x):\n    return x"} tests={TESTS} />
    </main>
  );
}
