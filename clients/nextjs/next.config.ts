import type { NextConfig } from "next";

const config: NextConfig = {
  outputFileTracingRoot: import.meta.dirname, // use the lock file next to this one, not one further up
};

export default config;
