import type { NextConfig } from "next";

const config: NextConfig = {
  outputFileTracingRoot: import.meta.dirname, // use the lock file in this directory, not one further up
};

export default config;
