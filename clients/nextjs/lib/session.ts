import { cookies } from "next/headers";

/** Return the learner's ID. This example identifies a browser by a cookie; a real site uses its login session. */
export async function learnerOf(): Promise<string | null> {
  const jar = await cookies();
  const learner = jar.get("learner")?.value ?? crypto.randomUUID();
  jar.set("learner", learner, { httpOnly: true, sameSite: "lax" });
  return learner;
}
