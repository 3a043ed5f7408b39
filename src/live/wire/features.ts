/** An addition to the first version of the protocol, which a server lists in its `welcome`. */
export type Feature = "requests";

export const FEATURES: readonly Feature[] = ["requests"];
