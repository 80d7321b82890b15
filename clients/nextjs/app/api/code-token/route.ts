import { CodeExecutionClient } from "@pylearn/code-execution";
import { learnerOf } from "@/lib/session"; // yours: the ID of the logged-in learner, or null

export async function POST(): Promise<Response> {
  const learner = await learnerOf();
  if (learner === null) return new Response(null, { status: 401 });
  const key = process.env.CODE_EXECUTION_SECRET_KEY;
  if (!key) return new Response(null, { status: 500 });
  const token = await new CodeExecutionClient({ key }).createToken({ learner });
  return Response.json(token, { headers: { "Cache-Control": "no-store" } });
}
