/** What the site's own environment says of the service. */

// Next.js puts the values in the place of these very words; in a page without it there is no `process`.
declare const process: { env: Record<string, string | undefined> };

export function environmentKey(): string | undefined {
  try {
    return process.env.NEXT_PUBLIC_CODE_EXECUTION_API_KEY;
  } catch {
    return undefined;
  }
}

export function environmentUrl(): string | undefined {
  try {
    return process.env.NEXT_PUBLIC_CODE_EXECUTION_URL;
  } catch {
    return undefined;
  }
}
