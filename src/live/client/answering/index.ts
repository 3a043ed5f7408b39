export { handle } from "./handle.ts";
export type { RequestContext } from "./answers.ts";
