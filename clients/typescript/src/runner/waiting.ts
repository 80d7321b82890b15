/** Repeats a call for as long as the service is busy. */

import { CodeExecutionError } from "../errors.js";
import { sleep } from "../sleep.js";

const BUSY = [429, 502, 503];
const BUSY_SECONDS = 4; // if the response does not say how long to wait
const LONGEST_WAIT_SECONDS = 120;

/**
 * Return what `call` returns. While the service is busy, call it again after the time that it asks for.
 *
 * `onSecond` gets the service's sentence and how many seconds are left. Throws the last error if all the waiting would
 * take more than two minutes, and the signal's reason if it is aborted.
 */
export async function waitWhileBusy<Returned>(
  call: () => Promise<Returned>,
  signal: AbortSignal,
  onSecond: (sentence: string, secondsLeft: number) => void,
): Promise<Returned> {
  for (let waited = 0; ; ) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CodeExecutionError) || !BUSY.includes(error.status)) throw error;
      const seconds = Math.max(1, Math.ceil(error.retryAfterSeconds ?? BUSY_SECONDS));
      waited += seconds;
      if (waited > LONGEST_WAIT_SECONDS) throw error;
      for (let left = seconds; left > 0; left--) {
        onSecond(error.message, left);
        await sleep(1, signal);
      }
    }
  }
}
