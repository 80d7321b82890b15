import { cookies } from "next/headers";

/** Return the id of a learner: here of a browser, by a cookie. A real site asks its session who has logged in. */
export async function learnerOf(): Promise<string | null> {
  const jar = await cookies();
  const learner = jar.get("learner")?.value ?? crypto.randomUUID();
  jar.set("learner", learner, { httpOnly: true, sameSite: "lax" });
  return learner;
}
