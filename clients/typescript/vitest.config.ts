import { defineConfig } from "vitest/config";

// No test changes what another file sees, so one thread each is enough: a process costs a second.
const pool = { pool: "threads", isolate: false } as const;

export default defineConfig({ test: { testTimeout: 30_000, hookTimeout: 30_000, ...pool } });
