import { CodeExecutionClient, type Token } from "@pylearn/code-execution";

let token: Promise<Token> | undefined;

async function freshToken(): Promise<Token> {
  const response = await fetch("/api/code-token", { method: "POST" }).catch(() => {
    throw new Error("The connection was lost. Check your internet connection.");
  });
  if (response.status === 401) throw new Error("Please log in again.");
  if (!response.ok) throw new Error(`The site cannot be reached right now (error ${response.status}).`);
  return response.json();
}

export async function key(): Promise<string> {
  const known = await token?.catch(() => undefined);
  if (known === undefined || Date.parse(known.expires) - Date.now() < 60_000) token = freshToken();
  return (await token!).token;
}

export const code = new CodeExecutionClient({ key });
// With a publishable key instead: new CodeExecutionClient({ key: process.env.NEXT_PUBLIC_CODE_EXECUTION_API_KEY! })
