import type { NextConfig } from "next";

const config: NextConfig = {
  outputFileTracingRoot: import.meta.dirname, // the lock file beside this is the site's, whatever lies above
};

export default config;
