import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../..", import.meta.url));
/** The pages, as they are read on GitHub too. */
export const docs: string = fileURLToPath(new URL("../../../docs", import.meta.url));
