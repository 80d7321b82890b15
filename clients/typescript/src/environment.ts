/** The settings of the site's environment. */

// Next.js replaces exactly these expressions with their values. Without Next.js, a page has no `process`.
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
