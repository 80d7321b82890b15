export { executeCode } from "@pylearn/code-execution";
