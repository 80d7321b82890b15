/** Return what the promise does. Throw the signal's reason as soon as it is aborted. */
export function unlessAborted<Returned>(promise: Returned | Promise<Returned>, signal?: AbortSignal): Promise<Returned> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal?.reason);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
    Promise.resolve(promise).then(resolve, reject).finally(() => signal?.removeEventListener("abort", end));
  });
}

/** Wait. Throw the signal's reason as soon as it is aborted. */
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}
