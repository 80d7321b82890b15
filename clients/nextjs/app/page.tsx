import { Runner } from "@/components/Runner";

const TESTS = [
  { name: "Ada", stdin: "Ada", input: "greeting('Ada')", expected_output: "Hello, Ada!" },
  { name: "somebody else", stdin: "Zoë", input: "greeting('Zoë')", expected_output: "Hello, Zoë!", hidden: true },
];

export default function Page() {
  return (
    <main>
      <h1>Say hello</h1>
      <p>
        Write a function <code>greeting(name)</code> that returns a greeting, as in <code>Hello, Ada!</code>
      </p>
      <Runner tests={TESTS} />
    </main>
  );
}
